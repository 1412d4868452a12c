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

/** A lock file as it was read. */
export interface LockFileText {
  readonly text: string;
  readonly lock: LockFile;
}

/** All arches on all hosts take less than 128 kB; the time to read keys that are all different grows with the square of their number. */
const MAX_SIZE = 1 << 17;
/** As many problems as an error names. */
const MAX_LISTED = 10;

/**
 * The lock file; null where there is none.
 *
 * @throws BAD_LOCK, with every problem and its line; FILE_FAILED, NO_PRIVILEGE.
 */
export async function readLockIfExists(file: string): Promise<LockFileText | null> {
  // In a repository a link may lead to any file; root could read and show each.
  const noFollow = process.geteuid?.() === 0;
  const options = { noFollow, hint: 'name a lock file, as `binfmtctl install --lock` writes it' };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readSmall(resolve(file), MAX_SIZE, options));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    if (errnoOf(error) === 'ELOOP' && noFollow)
      throw new BinfmtctlError('FILE_FAILED', `cannot read the lock file ${file}: it is a symbolic link`, {
        hint: 'as root, name the file that the link leads to',
        cause: error,
      });
    if (error instanceof TypeError) throw badLock(`${file} is no UTF-8 text`);
    throw fileError(error, `read the lock file ${file}`);
  }
  const decoded = await decodeLockFile(text);
  if ('lock' in decoded) return { text, lock: decoded.lock };
  // Messages about another file, to which a link may lead, would quote it.
  if (!isLockText(text))
    throw badLock(`${file}:1: not a lock file: it has no line "schema: binfmtctl/lock/…"`);
  const { problems } = decoded;
  const listed = problems.slice(0, MAX_LISTED).map(({ line, message }) => `${file}:${line}: ${message}`);
  const more = problems.length > MAX_LISTED ? `; and ${problems.length - MAX_LISTED} more` : '';
  throw badLock(`wrong lock file: ${listed.join('; ')}${more}`);
}

/** The lock file of these arches, which has to be there: BAD_LOCK where it is not, and as `readLockIfExists`. */
export async function readLock(file: string, arches: readonly string[] = []): Promise<LockFileText> {
  const read = await readLockIfExists(file);
  if (read !== null) return read;
  const option = file === LOCK_FILE ? '' : ` --lock-file ${file}`;
  throw new BinfmtctlError('BAD_LOCK', `there is no lock file ${file}`, {
    hint: `create it: \`binfmtctl lock --update ${arches.length === 0 ? 'arm64' : arches.join(' ')}${option}\``,
  });
}

/** What a lock file says of emulators that were found. Warns of each address that it names without its secret query. */
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
      text: `the lock file names ${source} without its query, which grants access: --locked takes the emulator from the store or a bundle, or fetches that address`,
    });
  return Object.fromEntries(pairs);
}

/** With `lock`: the step that makes the lock file name what was found, where it does not yet. Throws as `readLockIfExists`. */
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
    hint: 'restore it from version control, or name another file',
  });
}
