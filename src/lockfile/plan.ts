/** Compares and updates lock files. */
import { BinfmtctlError } from '../errors.ts';
import type { LockedEmulator, LockedEmulators, LockFile } from '../file-format/lock-file.ts';
import { maskSecrets } from '../text/secrets.ts';
import { LOCK_FILE } from './name.ts';

/** The identity of an emulator. */
export type EmulatorIdentity = Omit<LockedEmulator, 'source'>;

/** A change of an emulator in a lock file. */
export interface LockChange {
  readonly arch: string;
  /** Null if it is new. */
  readonly before: LockedEmulator | null;
  readonly after: LockedEmulator;
}

/** Guests whose emulators come from the same source; `source` is undefined if they are not in the lock file. */
export interface SourceGroup {
  readonly source: string | undefined;
  readonly emulator: string | undefined;
  readonly guests: readonly string[];
}

/**
 * Returns the part of a lock file for a host. `file` and `guests` are for messages.
 *
 * @throws LOCK_MISMATCH if there is none.
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
    { hint: `add them on this machine with ${updating(file, suggested)}` },
  );
}

/**
 * Checks that the lock file has an emulator for every guest.
 *
 * @throws LOCK_MISMATCH with all missing guests.
 */
export function requireGuests(part: LockedEmulators, guests: readonly string[], file: string): void {
  const missing = guests.filter((guest) => !Object.hasOwn(part, guest));
  if (missing.length === 0) return;
  throw new BinfmtctlError('LOCK_MISMATCH', `${file} has no emulator for ${missing.join(', ')}`, {
    hint: `add it with ${updating(file, missing)}`,
  });
}

/**
 * Checks that an emulator is the locked one.
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
  const differing = keys.find((key) => found[key] !== locked[key]);
  if (differing === undefined) return;
  const expected = `${differing} ${locked[differing]} as in ${file}`;
  const which =
    found.version === null || locked.version === found.version
      ? ''
      : ` (version ${found.version}, not ${locked.version})`;
  throw new BinfmtctlError(
    'LOCK_MISMATCH',
    `the emulator for ${guest} from ${maskSecrets(locked.source)} differs from the lock file: expected ${expected}, found ${found[differing]}${differing === 'version' ? '' : which}`,
    {
      hint: `if its source changed on purpose, run ${updating(file, [guest])}; otherwise do not trust it`,
    },
  );
}

/** Groups guests by the source of their emulators, in order. */
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

/** The lock with `emulators` for the host; keeps other guests and hosts. */
export function withLocked({ hosts }: LockFile, host: string, emulators: LockedEmulators): LockFile {
  const part = Object.hasOwn(hosts, host) ? hosts[host] : {};
  return { hosts: { ...hosts, [host]: { ...part, ...emulators } } };
}

/** The changes that `emulators` make to the host's part. */
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
