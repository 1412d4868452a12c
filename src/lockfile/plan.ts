/** What a lock file demands, and what it becomes. */
import { BinfmtctlError } from '../errors.ts';
import type { LockedEmulator, LockedEmulators, LockFile } from '../file-format/lock-file.ts';
import { maskSecrets } from '../text/secrets.ts';
import { LOCK_FILE } from './name.ts';

/** What tells one emulator from another. */
export type EmulatorIdentity = Omit<LockedEmulator, 'source'>;

/** How one emulator of a lock file changes. */
export interface LockChange {
  readonly arch: string;
  /** Null for one that is new. */
  readonly before: LockedEmulator | null;
  readonly after: LockedEmulator;
}

/** Guests whose emulators come from one source; without a source they are not in the lock. */
export interface SourceGroup {
  readonly source: string | undefined;
  readonly emulator: string | undefined;
  readonly guests: readonly string[];
}

/**
 * What the lock in `file` has for a host, which is asked for `guests`; for all if there are none.
 *
 * @throws LOCK_MISMATCH where it has nothing.
 */
export function lockedFor(
  { hosts }: LockFile,
  host: string,
  file: string,
  guests: readonly string[] = [],
): LockedEmulators {
  const part = Object.hasOwn(hosts, host) ? hosts[host] : undefined;
  if (part !== undefined) return part;
  const others = Object.keys(hosts).join(', ');
  const known = [...new Set(Object.values(hosts).flatMap((each) => Object.keys(each)))].filter(
    (guest) => guest !== host,
  );
  const suggested = [guests, known, ['ARCH']].find((each) => each.length > 0) ?? [];
  throw new BinfmtctlError(
    'LOCK_MISMATCH',
    `${file} has no emulators for ${host} machines${others === '' ? '' : `, only for ${others}`}`,
    { hint: `add them on this machine: ${updating(file, suggested)}` },
  );
}

/**
 * Lets only guests pass that the lock has an emulator for.
 *
 * @throws LOCK_MISMATCH that names all that it has not.
 */
export function requireGuests(part: LockedEmulators, guests: readonly string[], file: string): void {
  const missing = guests.filter((guest) => !Object.hasOwn(part, guest));
  if (missing.length === 0) return;
  throw new BinfmtctlError('LOCK_MISMATCH', `${file} has no emulator for ${missing.join(', ')}`, {
    hint: `add it: ${updating(file, missing)}`,
  });
}

/**
 * Lets only the bytes pass that the lock names.
 *
 * @throws LOCK_MISMATCH, with what was expected and what was found.
 */
export function requireLocked(
  guest: string,
  found: EmulatorIdentity,
  locked: LockedEmulator,
  file: string,
): void {
  const keys = ['sha256', 'size', 'version', 'emulator'] as const;
  const wrong = keys.find((key) => found[key] !== locked[key]);
  if (wrong === undefined) return;
  const expected = `${wrong} ${locked[wrong]} of ${file}`;
  const which =
    found.version === null || locked.version === found.version
      ? ''
      : ` (version ${found.version}, not ${locked.version})`;
  throw new BinfmtctlError(
    'LOCK_MISMATCH',
    `the emulator for ${guest} from ${maskSecrets(locked.source)} is not the locked one: expected ${expected}, found ${found[wrong]}${wrong === 'version' ? '' : which}`,
    {
      hint: `where its source has changed on purpose: ${updating(file, [guest])}; else do not trust it`,
    },
  );
}

/** The guests by where their emulators come from, in order. */
export function groupBySource(part: LockedEmulators, guests: readonly string[]): readonly SourceGroup[] {
  const groups = new Map<string, SourceGroup & { readonly guests: string[] }>();
  for (const guest of guests) {
    const locked = Object.hasOwn(part, guest) ? part[guest] : undefined;
    const { source, emulator } = { source: undefined, emulator: undefined, ...locked };
    const key = JSON.stringify([source, emulator]);
    const group = groups.get(key) ?? { source, emulator, guests: [] };
    group.guests.push(guest);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The lock with `emulators` for the host in place of what it had for the same guests; all else stays. */
export function withLocked({ hosts }: LockFile, host: string, emulators: LockedEmulators): LockFile {
  const part = Object.hasOwn(hosts, host) ? hosts[host] : {};
  return { hosts: { ...hosts, [host]: { ...part, ...emulators } } };
}

/** What `emulators` change in the lock's part for the host; none for what stays as it is. */
export function lockChanges(before: LockedEmulators, emulators: LockedEmulators): readonly LockChange[] {
  return Object.entries(emulators).flatMap(([arch, after]) => {
    const old = Object.hasOwn(before, arch) ? (before[arch] ?? null) : null;
    const same = old !== null && KEYS.every((key) => old[key] === after[key]);
    return same ? [] : [{ arch, before: old, after }];
  });
}

const KEYS = ['emulator', 'source', 'version', 'sha256', 'size'] as const;

const updating = (file: string, guests: readonly string[]): string =>
  `\`binfmtctl lock --update ${guests.join(' ')}${file === LOCK_FILE ? '' : ` --lock-file ${file}`}\``;
