/** The boot files of an entry as they are now, and who wrote them. */
import { bootFormatOf, persistedText, ruleInBootFile } from '../../boot/boot-file.ts';
import type { BootFormat } from '../../boot/persistence.ts';
import type { Context } from '../../context.ts';
import { promisedSha256 } from '../../emulators/store/store.ts';
import { isBinfmtctlError } from '../../errors.ts';
import { equalRules } from '../../rule/equal.ts';
import type { Entry, Rule } from '../../rule/types.ts';
import type { Registration } from '../../state/registration.ts';
import { exists } from '../../system/file/is-file.ts';
import { readTextIfExists } from '../../system/file/read-file.ts';

/** A boot file of a registration, which may have been changed since it was written. */
export interface PersistedFile {
  readonly path: string;
  readonly now: string | null;
  /** `current` registers the registration's rule, `stale` another rule that binfmtctl wrote. */
  readonly state: 'current' | 'stale' | 'changed' | 'missing';
}

/** The boot files of a registration. @throws NO_PRIVILEGE */
export function persistedFiles(
  { persisted, rule }: Pick<Registration, 'persisted' | 'rule'>,
  context: Pick<Context, 'store'>,
): readonly PersistedFile[] {
  return persisted.map(({ path }) => {
    const now = textOf(path);
    return now === undefined
      ? { path, now: null, state: 'changed' }
      : { path, now, state: stateOf(path, now, rule, context) };
  });
}

/** Null for a missing file, and undefined for what `install` does not write, such as a link to /dev/null. */
function textOf(path: string): string | null | undefined {
  try {
    return readTextIfExists(path);
  } catch (error) {
    if (isBinfmtctlError(error) && error.code === 'FILE_FAILED') return undefined;
    throw error;
  }
}

/**
 * Whether the boot files register `entry` as a request with `persist` asks: the file of that format does, and none is
 * stale or hides the rules of other entries, as that at `hiding` does. With F the kernel keeps a removed interpreter open, but the next boot cannot register it.
 */
export function isPersisted(
  entry: Entry,
  registration: Registration | undefined,
  { persist, hiding }: { readonly persist: BootFormat | 'none'; readonly hiding: string | null },
  context: Pick<Context, 'store'>,
): boolean {
  if (registration === undefined || !equalRules(entry, registration.rule)) return persist === 'none';
  const files = persistedFiles(registration, context);
  if (files.some(({ path, state }) => state === 'stale' || (state === 'current' && path === hiding)))
    return false;
  if (persist === 'none') return true;
  const isCurrent = files.some(
    ({ path, state }) => bootFormatOf(path, entry.name) === persist && state === 'current',
  );
  return isCurrent && exists(entry.interpreter);
}

function stateOf(
  path: string,
  now: string | null,
  rule: Rule,
  context: Pick<Context, 'store'>,
): PersistedFile['state'] {
  if (now === null) return 'missing';
  if (textFor(path, rule) === now) return 'current';
  return isOwnBootText(path, rule.name, now, context) ? 'stale' : 'changed';
}

/**
 * Whether binfmtctl wrote the text of a boot file for some emulator of the entry `name`, except for one in another store. A
 * binfmt.d file names its writer; an admin file of binfmt-support shows it only by the path of the emulator.
 */
export function isOwnBootText(
  path: string,
  name: string,
  text: string,
  { store }: Pick<Context, 'store'>,
): boolean {
  const rule = ruleInBootFile(path, name, text);
  if (rule === null || textFor(path, rule) !== text) return false;
  if (rule.interpreter.startsWith(`${store}/`)) return true;
  return bootFormatOf(path, name) === 'binfmt.d' && promisedSha256(rule.interpreter) === null;
}

/** As `persistedText`; null also for a rule that the format cannot hold. */
function textFor(path: string, rule: Rule): string | null {
  try {
    return persistedText(path, rule);
  } catch (error) {
    if (isBinfmtctlError(error) && error.code === 'BAD_RULE') return null;
    throw error;
  }
}

/** Warnings about a boot file whose state is `changed`. */
export const fileLeftWarning = (path: string): string =>
  `${path} was changed since it was written: it is left`;
export const fileReplacedWarning = (path: string): string =>
  `${path} was changed since it was written: it is replaced`;
