/** Temporary directories, and the cleanup after killed runs. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasEnded, PROCESS_TAG, processTag } from './process/process-tag.ts';

/** Directories for temporary files, the preferred one first. */
export const temporaryFolders = (): readonly string[] => [
  ...new Set([tmpdir(), '/tmp', '/var/tmp', '/run', '/var/lib']),
];

/** Longer than any run. Needed for processes in other PID namespaces, which cannot be looked up. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;
const DIRECTORY = new RegExp(`^\\.binfmtctl-(${PROCESS_TAG})-\\w{6}$`);
/** Files that `writeAtomic` is about to rename. */
export const TEMPORARY_FILE = new RegExp(`^\\.binfmtctl-(${PROCESS_TAG})-[0-9a-z]+\\.tmp$`);

export const temporaryFileName = (): string =>
  `.binfmtctl-${processTag()}-${Math.random().toString(36).slice(2)}.tmp`;

/** Creates a private directory in `parent`, passes it to `action` and removes it afterwards. */
export async function withTemporaryDirectory<T>(
  action: (directory: string) => Promise<T>,
  parent: string = tmpdir(),
): Promise<T> {
  const directory = await makeTemporaryDirectory(parent);
  try {
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Creates a private directory, which the caller must remove. Throws Node's errors. */
export const makeTemporaryDirectory = (parent: string = tmpdir()): Promise<string> =>
  mkdtemp(join(parent, `.binfmtctl-${processTag()}-`));

/**
 * Removes directories and files of this user's killed runs from `directories`. Ignores failures: the next run tries again.
 */
export function removeLeftovers(directories: readonly string[] = temporaryFolders()): void {
  for (const directory of directories) {
    for (const name of namesIn(directory)) {
      const tag = (DIRECTORY.exec(name) ?? TEMPORARY_FILE.exec(name))?.[1];
      if (tag !== undefined) removeIfLeft(join(directory, name), tag);
    }
  }
}

function removeIfLeft(path: string, tag: string): void {
  try {
    const { uid, mtimeMs } = lstatSync(path);
    if (uid !== process.geteuid?.()) return;
    if (hasEnded(tag) ?? Date.now() - mtimeMs > MAX_AGE_MS) rmSync(path, { recursive: true, force: true });
  } catch {
    // Another run removed it, or the next one will.
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name.startsWith('.binfmtctl-'));
  } catch {
    return [];
  }
}
