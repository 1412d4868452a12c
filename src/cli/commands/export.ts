import { BinfmtctlError } from '../../errors.ts';
import { encodeText } from '../../rule/text.ts';
import { toJson } from '../../text/json.ts';
import type { ExportResult } from '../../transfer/export.ts';
import type { Form } from '../../transfer/recognise.ts';
import type { OwnCommand } from '../command-line.ts';
import { type CommonOptions, namesAndAllError } from '../common-options.ts';
import { onOneLine, print, printFile } from '../output/terminal.ts';
import { EXPORT } from '../table/transfer.ts';

interface ExportCommandOptions extends CommonOptions {
  readonly all?: boolean;
  readonly format: Form;
  readonly output?: string;
}

export const exportCommand: OwnCommand = { description: EXPORT, run };

async function run(options: ExportCommandOptions, names: readonly string[]): Promise<number> {
  if (names.length === 0 && options.all !== true) {
    throw new BinfmtctlError('USAGE', 'export needs a name or --all', {
      hint: '`binfmtctl status` lists the entries',
    });
  }
  if (names.length > 0 && options.all === true) throw namesAndAllError('export', 'names');
  const { withOperation, exportRules } = await import('../parts/operations.ts');
  const request = {
    names,
    all: options.all === true,
    form: options.format,
    output: options.output ?? null,
  };
  const result = await withOperation(options, (context) => exportRules(request, context));
  if (options.json) process.stdout.write(`${toJson(result)}\n`);
  else printFile(textOf(result, options.output));
  if (!options.json) print(linesOf(result), process.stderr);
  return result.lost.length + result.leftOut.length > 0 ? 1 : 0;
}

/** @throws USAGE for several files without a place for them. */
function textOf({ files, form }: ExportResult, output: string | undefined): Uint8Array {
  if (output !== undefined) return encodeText(files.map(({ path }) => `${path}\n`).join(''));
  if (files.length < 2) return encodeText(files.map(({ text }) => text).join(''));
  throw new BinfmtctlError('USAGE', `form ${form} has a file for each entry, and there are ${files.length}`, {
    hint: 'use --output DIR, or export a single entry',
  });
}

const linesOf = ({ lost, leftOut }: ExportResult): string =>
  [
    ...lost.map(({ entry, why }) => `lost: ${onOneLine(`${entry}: ${why}`)}\n`),
    ...leftOut.map(({ entry, why }) => `left out: ${onOneLine(`${entry}: ${why}`)}\n`),
  ].join('');
