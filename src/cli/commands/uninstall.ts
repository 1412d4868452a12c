import { BinfmtctlError } from '../../errors.ts';
import type { UninstallResult } from '../../install/uninstall.ts';
import { toJson } from '../../text/json.ts';
import type { OwnCommand } from '../command-line.ts';
import { COMMON_OPTIONS, type CommonOptions, namesAndAllError } from '../common-options.ts';
import { print, visible } from '../output/terminal.ts';
import { uninstallText } from '../output/uninstall-text.ts';
import { withSameOptions } from '../store-options.ts';

interface UninstallCommandOptions extends CommonOptions {
  readonly all?: boolean;
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

export const uninstallCommand: OwnCommand = {
  description: {
    name: 'uninstall',
    summary: 'remove entries and files that install created',
    description:
      'Removes entries that binfmtctl made, and what makes them last; an entry of others only when it is named exactly',
    words: [['[name...]', 'architectures, names of entries, or globs of names such as `qemu-*`']],
    options: [
      ['--all', 'everything that binfmtctl made'],
      ['--purge', 'remove emulators from the store that nothing needs any more'],
      ['--dry-run', 'print the steps and change nothing'],
      ...COMMON_OPTIONS,
    ],
    examples: [
      ['binfmtctl uninstall arm64', 'one architecture'],
      ['binfmtctl uninstall --all --purge', 'everything, emulators too'],
    ],
  },
  run,
};

async function run(options: UninstallCommandOptions, names: readonly string[]): Promise<number> {
  if (names.length === 0 && options.all !== true) {
    throw new BinfmtctlError('USAGE', 'uninstall needs a name or --all', {
      hint: '`binfmtctl status` lists the entries',
    });
  }
  if (names.length > 0 && options.all === true) throw namesAndAllError('uninstall', 'names');
  const { withOperation, uninstall } = await import('../parts/operations.ts');
  const request = {
    names,
    all: options.all === true,
    purge: options.purge === true,
    dryRun: options.dryRun === true,
  };
  const result = await withOperation(options, (context) => uninstall(request, context));
  if (options.json) process.stdout.write(`${toJson(result)}\n`);
  else print(uninstallText(result, { shown: process.stdout, quiet: options.quiet === true }));
  if (!options.json) print(damagedText(result), process.stderr);
  return result.damaged.length > 0 ? 1 : 0;
}

const damagedText = ({ damaged }: UninstallResult): string =>
  damaged
    .map(
      ({ entry, path }) =>
        `left: entry ${visible(entry)}, because its registration ${visible(path)} is damaged\nhint: ${withSameOptions(`\`binfmtctl uninstall ${visible(entry)}\` removes both`)}\n`,
    )
    .join('');
