/**
 * Tracks which trees are in use. A session holds a shared lock on `ROOTS/KEY/use.json` until its process exits, which
 * also works across containers. The file contains the source of the tree; its modification time is the time of the last
 * use.
 */

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { isBinfmtctlError } from '../errors.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { readOwnTextIfExists } from '../system/file/read-file.ts';
import { acquireLock, tryLock } from '../system/lock.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import { parseJson } from '../text/json.ts';
import { removeTree } from './cache.ts';

const USE = 'use.json';
/** Longer than removing the largest tree takes. */
const TIMEOUT_MS = 30 * 60_000;

/** Descriptors of this process's locks, by directory; they stay open until the process exits. */
const held = new Map<string, number>();

/**
 * Prevents `store prune` from removing the directory of a tree while this process runs. Returns false if it was already
 * removed. Returns true if the file cannot be written or locked: `store prune` then cannot remove the tree either.
 *
 * @throws LOCKED, INTERRUPTED.
 */
export async function holdTree(
  directory: string,
  source: string,
  { signal }: Pick<Context, 'signal'>,
): Promise<boolean> {
  const path = join(directory, USE);
  let file: number;
  try {
    file = open(path);
  } catch (error) {
    return errnoOf(error) !== 'ENOENT';
  }
  try {
    await acquireLock(path, file, { shared: true, timeoutMs: TIMEOUT_MS, signal });
  } catch (error) {
    closeSync(file);
    if (isBinfmtctlError(error) && ['NO_TOOL', 'FILE_FAILED'].includes(error.code)) return true;
    throw error;
  }
  if (!refersTo(path, file)) {
    closeSync(file);
    return false;
  }
  recordUse(path, file, source);
  const before = held.get(directory);
  held.set(directory, file);
  if (before !== undefined) closeSync(before);
  return true;
}

export interface TreeUse {
  /** What the tree was unpacked from; null if an older version of binfmtctl unpacked it. */
  readonly source: string | null;
  readonly lastUsed: Date;
}

/** Reads source and last use of a tree. @throws FILE_FAILED if the file belongs to another user. */
export function readTreeUse(directory: string): TreeUse {
  const path = join(directory, USE);
  const known = parseJson(readOwnTextIfExists(path) ?? '') as { readonly source?: unknown } | null;
  const source = typeof known?.source === 'string' ? known.source : null;
  const { mtime } = statSync(path, { throwIfNoEntry: false }) ?? statSync(directory);
  return { source, lastUsed: mtime };
}

/** True if a session uses the tree now. @throws NO_TOOL, FILE_FAILED if this is unknown. */
export async function isTreeHeld(directory: string): Promise<boolean> {
  // An older version unpacked the tree, and no session has used it since.
  if (statSync(join(directory, USE), { throwIfNoEntry: false }) === undefined) return false;
  return withExclusive(directory, async (isFree) => !isFree);
}

/**
 * Removes the directory of a tree unless a session uses it; returns true if removed. The caller holds the lock of all
 * trees.
 */
export async function removeUnheldTree(directory: string, maps: IdMaps | null): Promise<boolean> {
  return withExclusive(directory, async (isFree) => {
    if (!isFree) return false;
    // New sessions no longer find the tree. If this process is killed, the next one that unpacks a tree removes the
    // rest.
    const partial = `${directory}.partial-${randomUUID().replaceAll('-', '')}`;
    await rename(directory, partial).catch((error: unknown) => {
      throw fileError(error, `rename ${directory}`);
    });
    await removeTree(partial, maps);
    return true;
  });
}

async function withExclusive<T>(directory: string, action: (isFree: boolean) => Promise<T>): Promise<T> {
  const path = join(directory, USE);
  let file: number;
  try {
    file = open(path);
  } catch (error) {
    throw fileError(error, `open ${path}`);
  }
  try {
    return await action(await tryLock(path, file));
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  return openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
}

/** True if the path still refers to the open file. */
function refersTo(path: string, file: number): boolean {
  const [now, own] = [statSync(path, { throwIfNoEntry: false }), fstatSync(file)];
  return now?.ino === own.ino && now.dev === own.dev;
}

function recordUse(path: string, file: number, source: string): void {
  try {
    ftruncateSync(file);
    writeSync(file, `${JSON.stringify({ source })}\n`, 0);
    utimesSync(path, new Date(), new Date());
  } catch {
    // The lock is held even if the disk is full.
  }
}
