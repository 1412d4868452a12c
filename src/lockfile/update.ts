import { resolve } from 'node:path';
import { findArch } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { listStored } from '../emulators/store/store.ts';
import { encodeLockFile } from '../file-format/lock-file.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import { obtainEmulators } from '../obtain/obtain.ts';
import { defaultSources } from '../obtain/sources.ts';
import { assertNotNative, findNatives } from '../safety/natives.ts';
import { withStoreLock } from '../state/lock.ts';
import { pruneUnregistered } from '../store/prune-unregistered.ts';
import { writeAtomic } from '../system/file/write-file.ts';
import { lockedOf, readLock, readLockIfExists } from './file.ts';
import { groupBySource, type LockChange, lockChanges, lockedFor, withLocked } from './plan.ts';

export interface LockRequest {
  readonly file: string;
  /** Arches to update or add; if empty, all in the lock file for this host. */
  readonly arches: readonly Arch[];
  /** New sources; if empty, the source of each emulator in the lock file. */
  readonly sources: readonly string[];
  /** Accepts url: without sha256. */
  readonly allowUnverified?: boolean | undefined;
  /** Rejects versions with known problems. */
  readonly strict: boolean;
}

/** Result of `updateLock`. */
export interface LockResult {
  readonly schema: 'binfmtctl/lock-update/1';
  readonly file: string;
  /** Id of this machine's arch. The parts of other hosts stay unchanged. */
  readonly host: string;
  readonly changes: readonly LockChange[];
  readonly unchanged: readonly string[];
}

/**
 * Updates a lock file to the current emulators of its sources. Registers nothing and leaves nothing in the store.
 *
 * @throws BAD_LOCK, LOCK_MISMATCH, NATIVE_ARCH, BAD_SOURCE, EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED; errors
 * of files, network and processes. The file stays unchanged then.
 */
export async function updateLock(
  { file, arches, sources, allowUnverified, strict }: LockRequest,
  context: Context,
): Promise<LockResult> {
  const natives = await findNatives(context);
  const { host } = natives;
  assertNotNative(arches, natives);
  const read = await (arches.length === 0 ? readLock(file) : readLockIfExists(file));
  const lock = read?.lock ?? { hosts: {} };
  const part =
    arches.length === 0 || Object.hasOwn(lock.hosts, host.id) ? lockedFor(lock, host.id, file) : {};
  const selected =
    arches.length > 0 ? arches : Object.keys(part).map((id) => findArch(context.catalogue, id));
  const guests = selected.map(({ id }) => id);
  return withStoreLock(context, async () => {
    const stored = await listStored(context.store);
    try {
      const found: FoundEmulator[] = [];
      const groups =
        sources.length > 0
          ? [{ source: undefined, emulator: undefined, guests }]
          : groupBySource(part, guests);
      for (const { source, emulator, guests: group } of groups) {
        const own = source === undefined ? defaultSources(context) : [source];
        const from = sources.length > 0 ? sources : own;
        const request = {
          sources: from,
          allowUnverified,
          emulator,
          strict,
          all: false,
          prove: true,
          dryRun: false,
        };
        const members = selected.filter(({ id }) => group.includes(id));
        found.push(...(await obtainEmulators(members, { entries: [], natives }, request, context)).found);
      }
      const emulators = lockedOf(found, context);
      const changes = lockChanges(part, emulators);
      const text = await encodeLockFile(withLocked(lock, host.id, emulators));
      if (changes.length > 0) await writeAtomic(resolve(file), text);
      const changed = changes.map(({ arch }) => arch);
      const unchanged = guests.filter((guest) => !changed.includes(guest));
      return { schema: 'binfmtctl/lock-update/1', file, host: host.id, changes, unchanged };
    } finally {
      await pruneUnregistered(context, stored).catch(() => {});
    }
  });
}
