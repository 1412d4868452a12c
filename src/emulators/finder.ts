import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { EmulatorProfile } from '../catalogue/types.ts';
import { matches } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import { fileNames, layoutPaths, storedName } from './names.ts';
import type { StoredEmulator } from './store/store.ts';
import type { Candidate, Origin } from './types.ts';

export interface FindRequest {
  /** Id of the arch, and the first bytes of a file of that arch. */
  readonly guest: string;
  readonly head: Uint8Array;
  /** Emulators that run it on this machine, the preferred one first. */
  readonly profiles: readonly EmulatorProfile[];
  readonly entries: readonly Entry[];
  /** The emulators in the store. */
  readonly stored: readonly StoredEmulator[];
  /** Directories of PATH. */
  readonly path: readonly string[];
  /** Root that the distributions' layouts are relative to; default `/`. */
  readonly root?: string | undefined;
}

/**
 * Finds files on this machine that may be the emulator, the preferred one first. Searches, for each profile: the store, the paths of
 * distributions, PATH, and the interpreters of entries. Returns each file once.
 */
export async function findCandidates(request: FindRequest): Promise<readonly Candidate[]> {
  const candidates = request.profiles.flatMap((profile) => [
    ...inStore(profile, request),
    ...inLayouts(profile, request),
    ...inPath(profile, request),
    ...inEntries(profile, request),
  ]);
  const files = await Promise.all(
    candidates.map(({ path }) => stat(path, { bigint: true }).catch(() => null)),
  );
  const seen = new Set<string>();
  return candidates.filter((_, index) => {
    const file = files[index];
    if (!file?.isFile()) return false;
    const key = `${file.dev}:${file.ino}`;
    return !seen.has(key) && seen.add(key);
  });
}

/**
 * Finds emulators that only the kernel still holds: interpreters of entries with flag F whose file was removed, or belongs to a
 * container. Their paths do not exist; `recoverFromEntry` copies them from the kernel.
 */
export async function findHeldByEntries(request: FindRequest): Promise<readonly Candidate[]> {
  const held = request.entries.filter(({ enabled, flags }) => enabled && flags.includes('F'));
  const candidates = request.profiles.flatMap((profile) => inEntries(profile, { ...request, entries: held }));
  const exists = await Promise.all(
    candidates.map(({ path }) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return candidates.filter((_, index) => !exists[index]);
}

function inStore(profile: EmulatorProfile, { guest, stored }: FindRequest): readonly Candidate[] {
  const names = namesOf(profile, guest);
  const paths = stored.filter(({ name }) => names.has(name)).map(({ path }) => path);
  return paths.map((path) => candidate(profile, guest, path, 'store'));
}

function inLayouts(profile: EmulatorProfile, { guest, root = '/' }: FindRequest): readonly Candidate[] {
  return layoutPaths(profile, guest).map((path) => candidate(profile, guest, join(root, path), 'layout'));
}

// A relative or empty part of PATH means the current directory, which must not provide emulators.
function inPath(profile: EmulatorProfile, { guest, path }: FindRequest): readonly Candidate[] {
  const directories = path.filter((directory) => directory.startsWith('/'));
  const names = fileNames(profile, guest);
  return directories.flatMap((directory) =>
    names.map((name) => candidate(profile, guest, join(directory, name), 'PATH')),
  );
}

/** Only the name of an interpreter shows which profile it belongs to. */
function inEntries(profile: EmulatorProfile, { guest, head, entries }: FindRequest): readonly Candidate[] {
  const names = namesOf(profile, guest);
  const serving = entries.filter(
    ({ pattern, interpreter }) =>
      pattern.type === 'magic' &&
      matches(pattern, head, '') &&
      interpreter.startsWith('/') &&
      names.has(basename(interpreter)),
  );
  return serving.map(({ name, interpreter }) => ({
    ...candidate(profile, guest, interpreter, 'entry'),
    entry: name,
  }));
}

function namesOf(profile: EmulatorProfile, guest: string): ReadonlySet<string> {
  const names = fileNames(profile, guest);
  return new Set([...names, ...names.map((name) => storedName(profile, guest, name))]);
}

function candidate({ id }: EmulatorProfile, guest: string, path: string, origin: Origin): Candidate {
  return { path, emulator: id, guest, origin };
}
