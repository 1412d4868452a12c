import { toJson } from '../../text/json.ts';
import type { ImportResult, ImportSource } from '../../transfer/import.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { importText } from '../output/import-text.ts';
import { onOneLine, print } from '../output/terminal.ts';
import { IMPORT } from '../table/transfer.ts';

interface ImportCommandOptions extends CommonOptions {
  readonly from?: ImportSource;
  readonly replace?: boolean;
  readonly dryRun?: boolean;
}

export const importCommand: OwnCommand = { description: IMPORT, run };

async function run(options: ImportCommandOptions, paths: readonly string[]): Promise<number> {
  const { asRoot, withOperation, importRules } = await import('../parts/operations.ts');
  const request = {
    paths,
    from: options.from ?? null,
    replace: options.replace === true,
    dryRun: options.dryRun === true,
  };
  const result = await asRoot(
    () => 'register rules',
    () => withOperation(options, (context) => importRules(request, context)),
  );
  if (options.json) process.stdout.write(`${toJson(result)}\n`);
  else print(importText(result, process.stdout));
  if (!options.json) print(linesOf(result), process.stderr);
  return result.leftOut.length > 0 ? 1 : 0;
}

const linesOf = ({ lost, leftOut }: ImportResult): string =>
  lost.map(({ place, why }) => `lost: ${onOneLine(`${place}: ${why}`)}\n`).join('') +
  leftOut.map(({ place, why }) => `left out: ${onOneLine(`${place}: ${why}`)}\n`).join('');
