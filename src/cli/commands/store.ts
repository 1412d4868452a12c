import type { PruneResult, StoreItem } from '../../store/index.ts';
import { toJson } from '../../text/json.ts';
import type { Runner } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { openContext } from '../context.ts';
import { megabytes, print, shortPath, table, visible } from '../output/terminal.ts';

interface PruneOptions extends CommonOptions {
  readonly dryRun?: boolean;
}

/** By name in the table. */
export const storeCommands: Readonly<Record<string, Runner>> = { 'store list': list, 'store prune': prune };

async function list(options: CommonOptions): Promise<number> {
  const { listContents } = await import('../parts/operations.ts');
  const context = await openContext(options);
  const items = await listContents(context);
  if (options.json)
    process.stdout.write(`${toJson({ schema: 'binfmtctl/store-list/1', store: context.store, items })}\n`);
  else print(listText(items, context.store));
  return 0;
}

async function prune(options: PruneOptions): Promise<number> {
  const { withOperation, pruneContents } = await import('../parts/operations.ts');
  const request = { dryRun: options.dryRun === true };
  const result = await withOperation(options, (context) => pruneContents(request, context));
  if (options.json) process.stdout.write(`${toJson(result)}\n`);
  else print(pruneText(result));
  const failures = result.failed.map(({ path, why }) => `cannot remove ${visible(path)}: ${visible(why)}\n`);
  if (!options.json) print(failures.join(''), process.stderr);
  return result.failed.length > 0 ? 1 : 0;
}

function listText(items: readonly StoreItem[], store: string): string {
  if (items.length === 0) return `${visible(store)} has no emulators and no trees\n`;
  const rows = items.map((item) => [
    item.kind,
    nameOf(item),
    sizeText(item.size),
    item.lastUsed.slice(0, 10),
    useOf(item),
  ]);
  return `${table([['KIND', 'NAME', 'SIZE', 'LAST USED', 'USED BY'], ...rows])}\n${totalOf(items)} in ${visible(store)}\n`;
}

/** Trees of earlier versions do not record their source. */
const nameOf = ({ name, path }: StoreItem): string => name ?? path;

const useOf = ({ usedBy, unknown }: StoreItem): string =>
  usedBy.length > 0 ? usedBy.join(', ') : unknown === null ? '-' : `not known: ${unknown}`;

const sizeText = (size: number | null): string => (size === null ? '?' : megabytes(size));

const totalOf = (items: readonly StoreItem[]): string =>
  megabytes(items.reduce((sum, { size }) => sum + (size ?? 0), 0));

function pruneText({ dryRun, removed, kept }: PruneResult): string {
  const [word, total] = dryRun ? ['would remove', 'would free'] : ['removed', 'freed'];
  const lines = removed.map(
    (item) =>
      `${word} ${item.kind} ${visible(nameOf(item))} (${sizeText(item.size)}): ${shortPath(visible(item.path))}\n`,
  );
  const stay = kept.map((item) => `kept ${item.kind} ${visible(nameOf(item))}: ${visible(useOf(item))}\n`);
  const end = removed.length === 0 ? 'nothing to remove\n' : `${total} ${totalOf(removed)}\n`;
  return `${lines.join('')}${stay.join('')}${end}`;
}
