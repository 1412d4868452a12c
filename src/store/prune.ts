/** Removes unused emulators and trees from a store. */
import { dirname, join } from 'node:path';
import type { Context } from '../context.ts';
import { emulatorsIn, pruneStore } from '../emulators/store/store.ts';
import { interrupted, isItemFailure } from '../errors.ts';
import { removeUnheldTree } from '../rootfs/tree-use.ts';
import { withStoreLock } from '../state/lock.ts';
import { repair } from '../state/repair.ts';
import { withLock } from '../system/lock.ts';
import { listContents, type StoreItem, treeMaps, treesIn, usersOfTree } from './contents.ts';

export interface PruneRequest {
  readonly dryRun: boolean;
}

export interface PruneResult {
  readonly schema: 'binfmtctl/store-prune/1';
  readonly dryRun: boolean;
  /** Removed items; with `dryRun`, items that would be removed. */
  readonly removed: readonly StoreItem[];
  readonly kept: readonly StoreItem[];
  /** Items that could not be removed. */
  readonly failed: readonly { readonly path: string; readonly why: string }[];
}

/** True if the item has no users and cannot have unknown ones. */
export const isUnused = ({ usedBy, unknown }: StoreItem): boolean => usedBy.length === 0 && unknown === null;

/**
 * Removes the emulators that no registration, entry, boot file or process needs, and the trees that no session uses,
 * including changes made in them. Keeps everything that may be in use.
 *
 * @throws STORE_FAILED, LOCKED, NO_TOOL, NO_PRIVILEGE, READ_ONLY, INTERRUPTED.
 */
export async function pruneContents({ dryRun }: PruneRequest, context: Context): Promise<PruneResult> {
  const schema = 'binfmtctl/store-prune/1';
  if (dryRun) {
    const items = await listContents(context);
    const removed = items.filter(isUnused);
    return { schema, dryRun, removed, kept: items.filter((item) => !isUnused(item)), failed: [] };
  }
  return withStoreLock(context, async () => {
    // An interrupted transaction may still need an emulator.
    await repair(context);
    const items = await listContents(context);
    const unused = items.filter(isUnused);
    const gone = new Set<string>();
    const failed: { path: string; why: string }[] = [];
    await pruneEmulators(items, context, gone);
    await pruneTrees(unused, context, gone, failed);
    const kept = items.filter(({ path }) => !gone.has(path));
    return { schema, dryRun, removed: items.filter(({ path }) => gone.has(path)), kept, failed };
  });
}

async function pruneEmulators(
  items: readonly StoreItem[],
  { store }: Context,
  gone: Set<string>,
): Promise<void> {
  const emulators = items.filter(({ kind }) => kind === 'emulator');
  if (!emulators.some(isUnused)) return;
  const hashOf = ({ path }: StoreItem): string => dirname(path).slice(emulatorsIn(store).length + 1);
  const unused = new Set(emulators.filter(isUnused).map(hashOf));
  // Several items can share a sha256, as a file can have several names.
  const kept = new Set(emulators.filter((item) => !isUnused(item)).map(hashOf));
  // Keeps emulators added meanwhile.
  const has = (sha256: string): boolean => kept.has(sha256) || !unused.has(sha256);
  for (const { path } of await pruneStore(store, { has })) gone.add(path);
}

/** Longer than unpacking the largest tree takes on a slow disk. */
const TIMEOUT_MS = 30 * 60_000;

async function pruneTrees(
  unused: readonly StoreItem[],
  { store, signal, report }: Context,
  gone: Set<string>,
  failed: { path: string; why: string }[],
): Promise<void> {
  const trees = unused.filter(({ kind }) => kind === 'tree');
  if (trees.length === 0) return;
  const maps = treeMaps();
  const onWait = () => report({ kind: 'warning', text: 'waiting for another process to finish unpacking' });
  const remove = async (): Promise<void> => {
    for (const { path } of trees) {
      if (signal.aborted) throw interrupted(signal, `removing ${path}`);
      try {
        const { usedBy, unknown } = await usersOfTree(path);
        if (usedBy.length > 0 || unknown !== null) continue;
        if (await removeUnheldTree(path, maps)) gone.add(path);
      } catch (error) {
        if (!isItemFailure(error)) throw error;
        failed.push({ path, why: error.message });
      }
    }
  };
  await withLock(join(treesIn(store), 'lock'), remove, { timeoutMs: TIMEOUT_MS, onWait, signal });
}
