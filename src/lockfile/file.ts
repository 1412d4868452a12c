import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import {
  decodeLockFile,
  encodeLockFile,
  isLockText,
  type LockedEmulators,
  type LockFile,
} from '../file-format/lock-file.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import type { Natives } from '../safety/natives.ts';
import type { Step } from '../state/steps.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { readSmall } from '../system/file/read-small.ts';
import { withoutGrant } from '../text/secrets.ts';
import { LOCK_FILE } from './name.ts';
import { withLocked } from './plan.ts';

/** A lock file and its text. */
export interface LockFileText {
  readonly text: string;
  readonly lock: LockFile;
}

/** In bytes; all arches on all hosts take less. Parsing time is quadratic in the number of distinct keys. */
const MAX_SIZE = 1 << 17;
/** Number of problems in an error message. */
const MAX_LISTED = 10;

/**
 * Reads a lock file; null if it does not exist.
 *
 * @throws BAD_LOCK with problems and lines; FILE_FAILED, NO_PRIVILEGE.
 */
export async function readLockIfExists(file: string): Promise<LockFileText | null> {
  // A link in a repository can point to any file, and root could read and print it.
  const noFollow = process.geteuid?.() === 0;
  const options = {
    noFollow,
    hint: 'use a lock file that `binfmtctl install --lock` or `binfmtctl lock --update` wrote',
  };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readSmall(resolve(file), MAX_SIZE, options));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    if (errnoOf(error) === 'ELOOP' && noFollow)
      throw new BinfmtctlError('FILE_FAILED', `cannot read the lock file ${file}: it is a symbolic link`, {
        hint: 'as root, use the path that the link points to',
        cause: error,
      });
    if (error instanceof TypeError) throw badLock(`${file} is not UTF-8 text`);
    throw fileError(error, `read the lock file ${file}`);
  }
  const decoded = await decodeLockFile(text);
  if ('lock' in decoded) return { text, lock: decoded.lock };
  // Messages about problems would quote the file, which may be a secret one that a link points to.
  if (!isLockText(text)) throw badLock(`${file}:1: not a lock file: no line "schema: binfmtctl/lock/…"`);
  const { problems } = decoded;
  const listed = problems.slice(0, MAX_LISTED).map(({ line, message }) => `${file}:${line}: ${message}`);
  const more = problems.length > MAX_LISTED ? `; and ${problems.length - MAX_LISTED} more` : '';
  throw badLock(`invalid lock file: ${listed.join('; ')}${more}`);
}

/**
 * Reads a lock file. `arches` are for the hint. @throws BAD_LOCK if it does not exist; errors of `readLockIfExists`.
 */
export async function readLock(file: string, arches: readonly string[] = []): Promise<LockFileText> {
  const read = await readLockIfExists(file);
  if (read !== null) return read;
  const option = file === LOCK_FILE ? '' : ` --lock-file ${file}`;
  throw new BinfmtctlError('BAD_LOCK', `lock file not found: ${file}`, {
    hint: `create it with \`binfmtctl lock --update ${arches.length === 0 ? 'arm64' : arches.join(' ')}${option}\``,
  });
}

/** The lock file's part for the found emulators. Warns about each URL whose secret query it omits. */
export function lockedOf(
  found: readonly FoundEmulator[],
  { report }: Pick<Context, 'report'>,
): LockedEmulators {
  const shortened = new Set<string>();
  const pairs = found.map(
    ({ arch, profile, emulator: { version, sha256, size, path }, source: named = `path:${path}` }) => {
      const source = withoutGrant(named);
      if (source !== named) shortened.add(source);
      return [arch.id, { emulator: profile.id, source, version, sha256, size }] as const;
    },
  );
  for (const source of shortened)
    report({
      kind: 'warning',
      text: `the lock file contains ${source} without its query, which grants access: --locked uses the store, a bundle or that URL`,
    });
  return Object.fromEntries(pairs);
}

/** With `lock`: the step that updates the lock file, if necessary. @throws errors of `readLockIfExists`. */
export async function lockSteps(
  found: readonly FoundEmulator[],
  { host }: Natives,
  { lock: file }: { readonly lock?: string | undefined },
  context: Pick<Context, 'report'>,
): Promise<readonly Step[]> {
  if (file === undefined || found.length === 0) return [];
  const before = await readLockIfExists(file);
  const text = await encodeLockFile(
    withLocked(before?.lock ?? { hosts: {} }, host.id, lockedOf(found, context)),
  );
  if (text === before?.text) return [];
  return [{ kind: 'write', path: resolve(file), text, previous: before?.text ?? null }];
}

function badLock(what: string): BinfmtctlError {
  return new BinfmtctlError('BAD_LOCK', what, {
    hint: 'restore it from version control, or use another file with --lock-file FILE',
  });
}
