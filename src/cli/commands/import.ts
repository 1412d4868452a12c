import { Command, Option } from 'commander';
import { describe } from '../../state/steps.ts';
import { toJson } from '../../text/json.ts';
import type { ImportResult, ImportSource } from '../../transfer/import.ts';
import { FORMS } from '../../transfer/recognise.ts';
import { type CommonOptions, withCommon } from '../common-options.ts';
import { onOneLine, print, visible } from '../output/terminal.ts';

interface ImportOptions extends CommonOptions {
  readonly from?: ImportSource;
  readonly replace?: boolean;
  readonly dryRun?: boolean;
}

export function importCommand(done: (status: number) => void): Command {
  const command = new Command('import')
    .summary('register what files, folders or another instance say')
    .description(
      'Registers the rules of files in any form, of all files of a folder, or of another mounted instance: all of them or none',
    )
    .argument('<path...>', 'files, folders of files, mounted instances of binfmt_misc')
    .addOption(
      new Option('--from <form>', 'what they are written in (default: recognised, file by file)').choices([
        ...FORMS,
        'instance',
      ]),
    )
    .option('--replace', 'put a rule in the place of an entry of its name that differs')
    .option('--dry-run', 'print the steps and change nothing');
  return withCommon(command, [
    ['binfmtctl import /usr/share/binfmts', 'format files of binfmt-support, as packages bring them'],
    ['binfmtctl import /usr/lib/binfmt.d/qemu-aarch64-static.conf', 'a file of binfmt.d'],
    ['binfmtctl import --from register rules.txt', 'register strings, a line each'],
  ]).action(async (paths: string[], options: ImportOptions) => {
    const { withOperation, importRules } = await import('../parts/operations.ts');
    const request = {
      paths,
      from: options.from ?? null,
      replace: options.replace === true,
      dryRun: options.dryRun === true,
    };
    const result = await withOperation(options, (context) => importRules(request, context));
    if (options.json) process.stdout.write(`${toJson(result)}\n`);
    else print(textOf(result));
    if (!options.json) print(linesOf(result), process.stderr);
    done(result.leftOut.length > 0 ? 1 : 0);
  });
}

function textOf({ dryRun, steps, unchanged }: ImportResult): string {
  const lines = steps.map((step) => `${dryRun ? 'would ' : ''}${visible(describe(step))}\n`);
  const same = unchanged.length === 0 ? '' : `there already: ${unchanged.join(', ')}\n`;
  return `${lines.join('')}${same}` || 'no rules there\n';
}

const linesOf = ({ lost, leftOut }: ImportResult): string =>
  lost.map(({ place, why }) => `lost: ${onOneLine(`${place}: ${why}`)}\n`).join('') +
  leftOut.map(({ place, why }) => `left out: ${onOneLine(`${place}: ${why}`)}\n`).join('');
