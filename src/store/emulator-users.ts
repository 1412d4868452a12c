/** Finds the users of a store's emulators. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { readEntries } from '../binfmt/entries.ts';
import { inspectInstance } from '../binfmt/instance/instance.ts';
import { findBootEmulators } from '../boot/boot-emulators.ts';
import type { Context } from '../context.ts';
import { listStored, promisedSha256, type StoredEmulator } from '../emulators/store/store.ts';
import { isSharedStore } from '../emulators/store/trust.ts';
import { isBinfmtctlError } from '../errors.ts';
import { isBpf } from '../rule/types.ts';
import { readAllRegistrations } from '../state/registrations.ts';
import { processName, seesMachineProcesses } from '../system/namespace/mount-namespaces.ts';

export interface EmulatorUsers {
  /** Descriptions of entries, boot files and processes by sha256. */
  readonly users: ReadonlyMap<string, readonly string[]>;
  /** Why an emulator may have unknown users; null if it cannot. */
  readonly unknown: string | null;
}

/**
 * Finds everything that needs an emulator of the store: registrations, entries of any tool, boot files, and processes.
 */
export async function findEmulatorUsers(context: Context): Promise<EmulatorUsers> {
  const { registrations, damaged } = await readAllRegistrations(context.store);
  const entries = entryUsers(context);
  const atBoot = await findBootEmulators().catch(messageOf);
  const found = [
    ...[...registrations.values()].map(
      ({ registration: { emulator, rule } }) => [emulator.sha256, `entry ${rule.name}`] as const,
    ),
    ...(typeof entries === 'string' ? [] : entries),
    ...(typeof atBoot === 'string' ? [] : [...atBoot].map((sha256) => [sha256, 'a boot file'] as const)),
    ...processUsers(await listStored(context.store)),
  ];
  const users = new Map<string, readonly string[]>();
  for (const [sha256, user] of found) users.set(sha256, [...new Set([...(users.get(sha256) ?? []), user])]);
  const [first] = damaged;
  const unknown = [
    first === undefined ? null : `${first.path} is damaged`,
    typeof entries === 'string' ? entries : null,
    typeof atBoot === 'string' ? atBoot : null,
  ].find((each) => each !== null);
  return { users, unknown: unknown ?? null };
}

type User = readonly [sha256: string, user: string];

/** The entries of the instance that use an emulator, or why they cannot be read. None if it is not mounted. */
function entryUsers({ binfmtDirectory }: Context): readonly User[] | string {
  if (!inspectInstance(binfmtDirectory).mounted) return [];
  try {
    const { all, unreadable } = readEntries(binfmtDirectory);
    const [first] = unreadable;
    if (first !== undefined) return first.error.message;
    return all.flatMap((entry) => {
      if (isBpf(entry)) return [];
      const sha256 = promisedSha256(entry.interpreter) ?? promisedSha256(targetOf(entry.interpreter));
      return sha256 === null ? [] : [[sha256, `entry ${entry.name}`] as const];
    });
  } catch (error) {
    return messageOf(error);
  }
}

/** Resolves a link, such as one in /usr/local/bin. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Processes in /proc that run a stored emulator, including those of sessions. */
function processUsers(stored: readonly StoredEmulator[]): readonly User[] {
  const byFile = new Map(stored.map(({ path, sha256 }) => [identityOf(path), sha256]));
  byFile.delete(null);
  if (byFile.size === 0) return [];
  return processIds().flatMap((pid) => {
    const sha256 = byFile.get(identityOf(`/proc/${pid}/exe`));
    return sha256 === undefined ? [] : [[sha256, `process ${pid} (${processName(pid)})`] as const];
  });
}

function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

function processIds(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Why processes of other containers may use the store; null if they cannot. */
export const hiddenSessions = (context: Pick<Context, 'inImage'>): string | null =>
  isSharedStore(context) && seesMachineProcesses() !== true
    ? 'sessions in other containers may use this store (run the container with --pid=host to see them)'
    : null;

function messageOf(error: unknown): string {
  if (isBinfmtctlError(error)) return error.message;
  throw error;
}
