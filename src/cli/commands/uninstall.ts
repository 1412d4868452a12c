import { BinfmtctlError } from '../../errors.ts';
import type { UninstallResult } from '../../install/uninstall.ts';
import { describe } from '../../state/steps.ts';
import { toJson } from '../../text/json.ts';
import type { OwnCommand } from '../command-line.ts';
import { type CommonOptions, namesAndAllError } from '../common-options.ts';
import { print, visible } from '../output/terminal.ts';
import { withSameOptions } from '../store-options.ts';
import { UNINSTALL } from '../table/install.ts';

interface UninstallOptions extends CommonOptions {
  readonly all?: boolean;
  readonly purge?: boolean;
  readonly dryRun?: boolean;
}

export const uninstallCommand: OwnCommand = { description: UNINSTALL, run };

async function run(options: UninstallOptions, names: readonly string[]): Promise<number> {
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
  else print(textOf(result));
  if (!options.json) print(treesText(result));
  if (!options.json) print(damagedText(result), process.stderr);
  return result.damaged.length > 0 ? 1 : 0;
}

function textOf({ dryRun, steps, restored, purged, damaged }: UninstallResult): string {
  const lines = [
    ...steps.map((step) => `${dryRun ? 'would ' : ''}${visible(describe(step))}`),
    ...restored.map(({ entry, interpreter, path }) =>
      visible(
        `${dryRun ? 'would restore' : 'restored'} entry ${entry} → ${interpreter}, as ${path ?? 'it was before `install`'}${path === null ? '' : ' says'}`,
      ),
    ),
    ...purged.map((file) => `removed ${visible(file)}`),
  ];
  return lines.length === 0 && damaged.length === 0
    ? 'nothing to remove\n'
    : lines.map((line) => `${line}\n`).join('');
}

function treesText({ trees }: UninstallResult): string {
  if (trees.length === 0) return '';
  const [what, stay] = trees.length === 1 ? ['tree', 'stays'] : ['trees', 'stay'];
  const prune = withSameOptions('`binfmtctl store prune`');
  return `${trees.length} unpacked ${what} ${stay} in the store: ${prune} removes what no session uses\n`;
}

const damagedText = ({ damaged }: UninstallResult): string =>
  damaged
    .map(
      ({ entry, path }) =>
        `left: entry ${visible(entry)}, because its registration ${visible(path)} is damaged\nhint: ${withSameOptions(`\`binfmtctl uninstall ${visible(entry)}\` removes both`)}\n`,
    )
    .join('');
