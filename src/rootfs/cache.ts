/** Trees that were unpacked: `ROOTS/KEY/tree`. What is not whole yet has another name, and is removed by whoever is next. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { ensureDirectory, listFiles } from '../system/file/files.ts';
import { withLock } from '../system/lock.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import { runMapped } from '../system/namespace/mapped.ts';
import { run } from '../system/process/process.ts';

/** A tree that is being made: `tree`, `root` and `work` are folders in it, and only the first is kept. */
export interface PartialTree {
  readonly tree: string;
  readonly root: string;
  readonly workDirectory: string;
}

const PARTIAL = /\.partial-\w+$/;
/** Longer than the largest tree takes on a slow disk. */
const TIMEOUT_MS = 30 * 60_000;

/** The name of a tree, by what it is made from. */
export const treeKey = (...facts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);

/** The folder of a tree that is there already; else null. */
export async function findTree(roots: string, key: string): Promise<string | null> {
  const tree = join(roots, key, 'tree');
  try {
    return (await stat(tree)).isDirectory() ? tree : null;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, `look at ${tree}`);
  }
}

/** Where a tree is, in the folder `roots`, and to whom its files belong. */
export interface TreeLocation {
  readonly roots: string;
  readonly key: string;
  readonly maps: IdMaps | null;
}

/**
 * The folder of a tree, which `fill` makes where it is not there yet; one is made at a time. A tree is for its owner's
 * eyes alone, as it may have set-user-id programs.
 *
 * @throws LOCKED, INTERRUPTED, FILE_FAILED, READ_ONLY, NO_PRIVILEGE, and what `fill` throws: then nothing is left of it.
 */
export async function withTree(
  location: TreeLocation,
  context: Context,
  fill: (partial: PartialTree) => Promise<void>,
): Promise<string> {
  const { roots, key, maps } = location;
  const { signal, report } = context;
  const onWait = () =>
    report({ kind: 'stage', stage: 'unpack', text: 'waiting for another process that unpacks' });
  const make = async () => {
    const known = await findTree(roots, key);
    if (known !== null) return known;
    for (const path of await listFiles(roots)) {
      // As much of it as these maps let us.
      if (PARTIAL.test(path)) await removeTree(path, maps).catch(() => {});
    }
    return makeTree(location, signal, fill);
  };
  await ensureDirectory(roots);
  return withLock(join(roots, 'lock'), make, { timeoutMs: TIMEOUT_MS, onWait, signal });
}

async function makeTree(
  { roots, key, maps }: TreeLocation,
  signal: AbortSignal,
  fill: (partial: PartialTree) => Promise<void>,
): Promise<string> {
  const failed = (error: unknown): never => {
    throw fileError(error, `make a tree in ${roots}`);
  };
  const partial = await mkdtemp(join(roots, `${key}.partial-`)).catch(failed);
  const [tree = '', root = '', workDirectory = ''] = ['tree', 'root', 'work'].map((name) =>
    join(partial, name),
  );
  try {
    await Promise.all([mkdir(tree), mkdir(root), mkdir(workDirectory)]).catch(failed);
    // What its archive may leave unsaid, whatever the umask.
    await chmod(tree, 0o755).catch(failed);
    await fill({ tree, root, workDirectory });
    await Promise.all([removeTree(root, null), removeTree(workDirectory, null)]);
    // Else a loss of power may leave a tree of empty files. Not every sync(1) can do it for one file system.
    await run('sync', ['-f', tree]);
    if (signal.aborted) throw interrupted(signal, 'fetching');
    await rename(partial, join(roots, key)).catch(failed);
    return join(roots, key, 'tree');
  } catch (error) {
    await removeTree(partial, maps);
    throw signal.aborted ? interrupted(signal, 'fetching') : error;
  }
}

/** Removes a folder whose files belong to the ids of `maps`. Links are not followed. @throws FILE_FAILED. */
export async function removeTree(path: string, maps: IdMaps | null): Promise<void> {
  const { exitCode, stderr } = await runMapped(maps, 'rm', ['-rf', '--', path], { env: { LC_ALL: 'C' } });
  if (exitCode === 0) return;
  throw new BinfmtctlError('FILE_FAILED', `cannot remove ${path}: ${stderr.trim().split('\n')[0]}`, {
    hint: 'as root: `binfmtctl store prune`',
  });
}
