/** The contents of a store: emulators and unpacked trees, with their users. */
import { readdirSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { listStored, type StoredEmulator } from '../emulators/store/store.ts';
import { assertStoreTrusted } from '../emulators/store/trust.ts';
import { isBinfmtctlError } from '../errors.ts';
import { userMaps } from '../rootfs/ids.ts';
import { isTreeHeld, readTreeUse } from '../rootfs/tree-use.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import { runMapped } from '../system/namespace/mapped.ts';
import { processName } from '../system/namespace/mount-namespaces.ts';
import { readMounts } from '../system/namespace/mounts.ts';
import { findEmulatorUsers, hiddenSessions } from './emulator-users.ts';

/** An emulator or a tree in a store. */
export interface StoreItem {
  readonly kind: 'emulator' | 'tree';
  /** File name of an emulator; source of a tree, null if an older version of binfmtctl unpacked it. */
  readonly name: string | null;
  /** The file of an emulator, or the directory of a tree. */
  readonly path: string;
  /** Size on disk in bytes; null if unknown. */
  readonly size: number | null;
  /** ISO 8601; for an emulator the last access, as precise as the file system records it. */
  readonly lastUsed: string;
  /** Descriptions of the entries, boot files, processes and sessions that use it. */
  readonly usedBy: readonly string[];
  /** Why it may have unknown users; null if it cannot. */
  readonly unknown: string | null;
}

/** The directory of the trees in a store. */
export const treesIn = (store: string): string => join(store, 'roots');

/**
 * Lists all emulators and trees of the store, largest first. Only reads.
 *
 * @throws STORE_FAILED if another user can change the store; FILE_FAILED, NO_PRIVILEGE if it cannot be read.
 */
export async function listContents(context: Context): Promise<readonly StoreItem[]> {
  assertStoreTrusted(context.store);
  const items = [...(await listEmulators(context)), ...(await listTrees(context))];
  return items.toSorted((a, b) => (b.size ?? 0) - (a.size ?? 0));
}

async function listEmulators(context: Context): Promise<readonly StoreItem[]> {
  const { users, unknown } = await findEmulatorUsers(context);
  const stored = await listStored(context.store);
  return stored.map((emulator) => ({
    kind: 'emulator',
    name: emulator.name,
    path: emulator.path,
    size: emulator.size,
    lastUsed: lastRead(emulator),
    usedBy: users.get(emulator.sha256) ?? [],
    unknown: unknown ?? hiddenSessions(context),
  }));
}

function lastRead({ path }: StoredEmulator): string {
  const { atimeMs = 0, mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return new Date(Math.max(atimeMs, mtimeMs)).toISOString();
}

/** A key of `treeKey`. */
const TREE = /^[0-9a-f]{32}$/;

/** The directories of all complete trees. */
export async function treeFolders(store: string): Promise<readonly string[]> {
  const roots = treesIn(store);
  try {
    const names = (await readdir(roots)).filter((name) => TREE.test(name));
    return names.map((name) => join(roots, name));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fileError(error, `list ${roots}`);
  }
}

async function listTrees(context: Context): Promise<readonly StoreItem[]> {
  const directories = await treeFolders(context.store);
  const maps = directories.length === 0 ? null : treeMaps();
  const items: StoreItem[] = [];
  for (const directory of directories) {
    const { source, lastUsed } = readTreeUse(directory);
    items.push({
      kind: 'tree',
      name: source,
      path: directory,
      size: await sizeOf(directory, maps),
      lastUsed: lastUsed.toISOString(),
      ...(await usersOfTree(directory)),
    });
  }
  return items;
}

/** The ID maps of a plain user's trees, without warnings; null for root. */
export const treeMaps = (): IdMaps | null =>
  process.geteuid?.() === 0
    ? null
    : userMaps({ uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }, { report: () => {} });

/**
 * The users of a tree: sessions, processes with their root or working directory in it, and mounts below it, whose
 * content a removal would delete.
 */
export async function usersOfTree(directory: string): Promise<Pick<StoreItem, 'usedBy' | 'unknown'>> {
  const mounts = readMounts()
    .filter(({ mountPoint }) => mountPoint.startsWith(`${directory}/`))
    .map(({ mountPoint }) => `the mount ${mountPoint}`);
  try {
    const session = (await isTreeHeld(directory)) ? ['a session'] : [];
    return { usedBy: [...session, ...processesIn(directory), ...mounts], unknown: null };
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    return { usedBy: mounts, unknown: error.message };
  }
}

/** Finds sessions of older versions, which held no lock, and programs started with chroot(1). */
function processesIn(directory: string): readonly string[] {
  const tree = identityOf(join(directory, 'tree'));
  if (tree === null) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const inside = pids.filter((pid) =>
    ['root', 'cwd'].some((link) => identityOf(`/proc/${pid}/${link}`) === tree),
  );
  return inside.map((pid) => `process ${pid} (${processName(pid)})`);
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

async function sizeOf(directory: string, maps: IdMaps | null): Promise<number | null> {
  try {
    const { exitCode, stdout } = await runMapped(maps, 'du', ['-s', '-k', '--', directory], {
      env: { LC_ALL: 'C' },
    });
    const [, kilobytes] = /^(\d+)\s/.exec(new TextDecoder().decode(stdout)) ?? [];
    return exitCode === 0 && kilobytes !== undefined ? Number(kilobytes) * 1024 : null;
  } catch (error) {
    if (isBinfmtctlError(error)) return null;
    throw error;
  }
}
