import { BinfmtctlError } from '../../errors.ts';
import type { UninstallResult } from '../../install/uninstall.ts';
import { toJson } from '../../text/json.ts';
import type { OwnCommand } from '../command-line.ts';
import { type CommonOptions, namesAndAllError } from '../common-options.ts';
import { print, visible } from '../output/terminal.ts';
import { uninstallText } from '../output/uninstall-text.ts';
import { withSameOptions } from '../store-options.ts';
import { UNINSTALL } from '../table/install.ts';

interface UninstallCommandOptions extends CommonOptions {
  readonly all?: boolean;
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

export const uninstallCommand: OwnCommand = { description: UNINSTALL, run };

async function run(options: UninstallCommandOptions, names: readonly string[]): Promise<number> {
  if (names.length === 0 && options.all !== true) {
    throw new BinfmtctlError('USAGE', 'uninstall needs a name or --all', {
      hint: '`binfmtctl status` lists the entries',
    });
  }
  if (names.length > 0 && options.all === true) throw namesAndAllError('uninstall', 'names');
  const { asRoot, withOperation, uninstall } = await import('../parts/operations.ts');
  const request = {
    names,
    all: options.all === true,
    purge: options.purge === true,
    dryRun: options.dryRun === true,
  };
  const result = await asRoot(
    () => `unregister ${names.join(', ') || 'the entries'}`,
    () => withOperation(options, (context) => uninstall(request, context)),
  );
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
