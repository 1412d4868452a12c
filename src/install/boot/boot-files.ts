/** The current boot files of an entry, and whether binfmtctl wrote them. */
import { existsSync } from 'node:fs';
import { bootFormatOf, persistedText, ruleInBootFile } from '../../boot/boot-file.ts';
import type { BootFormat } from '../../boot/persistence.ts';
import type { Context } from '../../context.ts';
import { promisedSha256 } from '../../emulators/store/store.ts';
import { isBinfmtctlError } from '../../errors.ts';
import { equalRules } from '../../rule/equal.ts';
import type { Entry, Rule } from '../../rule/types.ts';
import type { Registration } from '../../state/registration.ts';
import { readTextIfExists } from '../../system/file/read-file.ts';

/** A boot file of a registration, which may have changed since binfmtctl wrote it. */
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

/** Null for a missing file; undefined for a kind of file that `install` does not write, such as a link to /dev/null. */
function textOf(path: string): string | null | undefined {
  try {
    return readTextIfExists(path);
  } catch (error) {
    if (isBinfmtctlError(error) && error.code === 'FILE_FAILED') return undefined;
    throw error;
  }
}

/**
 * Whether the boot files persist `entry` as `persist` requires: the file of that format registers it, and no file is stale or
 * hides rules of other entries, as the file at `hiding` does. The interpreter must exist: with F, the kernel keeps a removed one
 * open, but the next boot cannot register it.
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
  return isCurrent && existsSync(entry.interpreter);
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
 * Whether binfmtctl wrote the text of a boot file for an emulator of entry `name`, except for emulators in another store. A
 * binfmt.d file names binfmtctl; an admin file of binfmt-support shows it only through the path of the emulator.
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

/** As `persistedText`; null also for a rule that the format cannot express. */
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
  `${path} was changed after binfmtctl wrote it; it is kept`;
export const fileReplacedWarning = (path: string): string =>
  `${path} was changed after binfmtctl wrote it; it is replaced`;
