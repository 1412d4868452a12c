/**
 * Cache of unpacked trees: `ROOTS/KEY/tree`. Incomplete trees have another name, `ROOTS/KEY.partial-*`. The next
 * process that unpacks a tree removes leftovers.
 */
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

/** A tree while it is unpacked: three directories, of which only `tree` is kept. */
export interface PartialTree {
  readonly tree: string;
  readonly root: string;
  readonly workDirectory: string;
}

const PARTIAL = /\.partial-\w+$/;
/** Longer than unpacking the largest tree takes on a slow disk. */
const TIMEOUT_MS = 30 * 60_000;

/** The key of a tree: a hash of everything that determines its content. */
export const treeKey = (...facts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);

/** The directory of a cached tree; null if there is none. */
export async function findTree(roots: string, key: string): Promise<string | null> {
  const tree = join(roots, key, 'tree');
  try {
    return (await stat(tree)).isDirectory() ? tree : null;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw fileError(error, `look at ${tree}`);
  }
}

/** A tree's place in the directory `roots`, and the ID maps of its files. */
export interface TreeLocation {
  readonly roots: string;
  readonly key: string;
  readonly maps: IdMaps | null;
}

/**
 * Returns the directory of a tree. If it does not exist yet, `fill` unpacks it, one tree at a time. Other users have no
 * access to trees, which may contain set-user-ID programs.
 *
 * @throws LOCKED, INTERRUPTED, FILE_FAILED, READ_ONLY, NO_PRIVILEGE, and errors of `fill`. The partial tree is removed
 * then.
 */
export async function withTree(
  location: TreeLocation,
  context: Context,
  fill: (partial: PartialTree) => Promise<void>,
): Promise<string> {
  const { roots, key, maps } = location;
  const { signal, report } = context;
  const onWait = () =>
    report({ kind: 'stage', stage: 'unpack', text: 'waiting for another process to finish unpacking' });
  const make = async () => {
    const known = await findTree(roots, key);
    if (known !== null) return known;
    for (const path of await listFiles(roots)) {
      // With other ID maps, the files may belong to IDs that this process cannot remove.
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
    throw fileError(error, `create a directory in ${roots}`);
  };
  const partial = await mkdtemp(join(roots, `${key}.partial-`)).catch(failed);
  const [tree = '', root = '', workDirectory = ''] = ['tree', 'root', 'work'].map((name) =>
    join(partial, name),
  );
  try {
    await Promise.all([mkdir(tree), mkdir(root), mkdir(workDirectory)]).catch(failed);
    // The archive may not have an entry for its root; the umask must not decide then.
    await chmod(tree, 0o755).catch(failed);
    await fill({ tree, root, workDirectory });
    await Promise.all([removeTree(root, null), removeTree(workDirectory, null)]);
    // A power failure could otherwise leave empty files. Ignores failure: some sync(1) programs lack -f.
    await run('sync', ['-f', tree]);
    if (signal.aborted) throw interrupted(signal, 'fetching');
    await rename(partial, join(roots, key)).catch(failed);
    return join(roots, key, 'tree');
  } catch (error) {
    await removeTree(partial, maps);
    throw signal.aborted ? interrupted(signal, 'fetching') : error;
  }
}

/** Removes a directory whose files belong to the IDs of `maps`. Does not follow links. @throws FILE_FAILED. */
export async function removeTree(path: string, maps: IdMaps | null): Promise<void> {
  const { exitCode, stderr } = await runMapped(maps, 'rm', ['-rf', '--', path], { env: { LC_ALL: 'C' } });
  if (exitCode === 0) return;
  throw new BinfmtctlError('FILE_FAILED', `cannot remove ${path}: ${stderr.trim().split('\n')[0]}`, {
    hint: 'as root, run `binfmtctl store prune` with --store set to this store',
  });
}
