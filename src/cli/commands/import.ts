import { toJson } from '../../text/json.ts';
import type { ImportResult, ImportSource } from '../../transfer/import.ts';
import { FORMS } from '../../transfer/recognise.ts';
import type { OwnCommand } from '../command-line.ts';
import { COMMON_OPTIONS, type CommonOptions } from '../common-options.ts';
import { importText } from '../output/import-text.ts';
import { onOneLine, print } from '../output/terminal.ts';

interface ImportCommandOptions extends CommonOptions {
  readonly from?: ImportSource;
  readonly replace?: boolean;
  readonly dryRun?: boolean;
}

export const importCommand: OwnCommand = {
  description: {
    name: 'import',
    summary: 'register what files, folders or another instance say',
    description:
      'Registers the rules of files in any form, of all files of a folder, or of another mounted instance: all of them or none',
    words: [['<path...>', 'files, folders of files, mounted instances of binfmt_misc']],
    options: [
      [
        '--from <form>',
        'what they are written in (default: recognised, file by file)',
        { choices: [...FORMS, 'instance'] },
      ],
      ['--replace', 'replace an existing entry that has the same name and another rule'],
      ['--dry-run', 'print the steps and change nothing'],
      ...COMMON_OPTIONS,
    ],
    examples: [
      ['binfmtctl import /usr/share/binfmts', 'format files of binfmt-support, as packages bring them'],
      ['binfmtctl import /usr/lib/binfmt.d/qemu-aarch64-static.conf', 'a file of binfmt.d'],
      ['binfmtctl import --from register rules.txt', 'register strings, a line each'],
    ],
  },
  run,
};

async function run(options: ImportCommandOptions, paths: readonly string[]): Promise<number> {
  const { withOperation, importRules } = await import('../parts/operations.ts');
  const request = {
    paths,
    from: options.from ?? null,
    replace: options.replace === true,
    dryRun: options.dryRun === true,
  };
  const result = await withOperation(options, (context) => importRules(request, context));
  if (options.json) process.stdout.write(`${toJson(result)}\n`);
  else print(importText(result, process.stdout));
  if (!options.json) print(linesOf(result), process.stderr);
  return result.leftOut.length > 0 ? 1 : 0;
}

const linesOf = ({ lost, leftOut }: ImportResult): string =>
  lost.map(({ place, why }) => `lost: ${onOneLine(`${place}: ${why}`)}\n`).join('') +
  leftOut.map(({ place, why }) => `left out: ${onOneLine(`${place}: ${why}`)}\n`).join('');
