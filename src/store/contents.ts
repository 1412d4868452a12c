/** What a store has: emulators and unpacked trees, and who uses them. */
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

/** An emulator or a tree of a store. */
export interface StoreItem {
  readonly kind: 'emulator' | 'tree';
  /** Of the emulator's file; of a tree what it was unpacked from, or null if an earlier version unpacked it. */
  readonly name: string | null;
  /** The file of an emulator, the folder of a tree. */
  readonly path: string;
  /** Bytes on disk; null if they could not be counted. */
  readonly size: number | null;
  /** ISO 8601; for an emulator when it was last read, as exact as the file system keeps it. */
  readonly lastUsed: string;
  /** Entries, boot files, processes and sessions, in words. */
  readonly usedBy: readonly string[];
  /** Why it may be used all the same; null if it cannot. */
  readonly unknown: string | null;
}

/** The folder of the trees within a store. */
export const treesIn = (store: string): string => join(store, 'roots');

/**
 * All emulators and trees of the store, the largest first. Reads only.
 *
 * @throws STORE_FAILED where another user can change the store; FILE_FAILED, NO_PRIVILEGE where it cannot be read.
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

/** 128 bits of what the tree is made from, and the tree's name in it. */
const TREE = /^[0-9a-f]{32}$/;

/** The folders of all trees that are complete. */
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
  const folders = await treeFolders(context.store);
  const maps = folders.length === 0 ? null : treeMaps();
  const items: StoreItem[] = [];
  for (const folder of folders) {
    const { source, lastUsed } = readTreeUse(folder);
    items.push({
      kind: 'tree',
      name: source,
      path: folder,
      size: await sizeOf(folder, maps),
      lastUsed: lastUsed.toISOString(),
      ...(await usersOfTree(folder)),
    });
  }
  return items;
}

/** The ids that a plain user's trees belong to; what these cannot do is no concern here. */
export const treeMaps = (): IdMaps | null =>
  process.geteuid?.() === 0
    ? null
    : userMaps({ uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }, { report: () => {} });

/** Who uses a tree: sessions, processes whose root or directory it is, and mounts below it, which a removal would empty. */
export async function usersOfTree(folder: string): Promise<Pick<StoreItem, 'usedBy' | 'unknown'>> {
  const mounts = readMounts()
    .filter(({ mountPoint }) => mountPoint.startsWith(`${folder}/`))
    .map(({ mountPoint }) => `the mount ${mountPoint}`);
  try {
    const session = (await isTreeHeld(folder)) ? ['a session'] : [];
    return { usedBy: [...session, ...processesIn(folder), ...mounts], unknown: null };
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    return { usedBy: mounts, unknown: error.message };
  }
}

/** Sessions of versions that held no lock, and programs that were started with chroot(1). */
function processesIn(folder: string): readonly string[] {
  const tree = identityOf(join(folder, 'tree'));
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

async function sizeOf(folder: string, maps: IdMaps | null): Promise<number | null> {
  try {
    const { exitCode, stdout } = await runMapped(maps, 'du', ['-s', '-k', '--', folder], {
      env: { LC_ALL: 'C' },
    });
    const [, kilobytes] = /^(\d+)\s/.exec(new TextDecoder().decode(stdout)) ?? [];
    return exitCode === 0 && kilobytes !== undefined ? Number(kilobytes) * 1024 : null;
  } catch (error) {
    if (isBinfmtctlError(error)) return null;
    throw error;
  }
}
