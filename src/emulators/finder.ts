import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { EmulatorProfile } from '../catalogue/types.ts';
import { matches } from '../rule/match.ts';
import type { Entry, Pattern } from '../rule/types.ts';
import { fileNames, layoutPaths } from './names.ts';
import { listStored } from './store.ts';
import type { Candidate, Origin } from './types.ts';

export interface FindRequest {
  /** Id of the arch, and a file of it: its first bytes. */
  readonly guest: string;
  readonly head: Uint8Array;
  /** Emulators that run it here, the preferred one first. */
  readonly profiles: readonly EmulatorProfile[];
  readonly entries: readonly Entry[];
  readonly store: string;
  /** Folders of PATH. */
  readonly path: readonly string[];
}

/**
 * Files on this machine that may be the emulator, the preferred one first: what the store has, where distributions
 * keep theirs, what PATH has, and what entries of the kernel name. The same file is named once.
 */
export async function findCandidates(request: FindRequest): Promise<readonly Candidate[]> {
  const stored = await listStored(request.store);
  const named = request.profiles.flatMap((profile) => [
    ...inStore(
      profile,
      request,
      stored.map(({ path }) => path),
    ),
    ...inLayouts(profile, request),
    ...inPath(profile, request),
    ...inEntries(profile, request),
  ]);
  const files = await Promise.all(named.map(({ path }) => stat(path, { bigint: true }).catch(() => null)));
  const seen = new Set<string>();
  return named.filter((_, index) => {
    const file = files[index];
    if (!file?.isFile()) return false;
    const key = `${file.dev}:${file.ino}`;
    return !seen.has(key) && seen.add(key);
  });
}

function inStore(
  profile: EmulatorProfile,
  { guest }: FindRequest,
  stored: readonly string[],
): readonly Candidate[] {
  const names = fileNames(profile, guest);
  const paths = stored.filter((path) => names.includes(basename(path)));
  return paths.map((path) => candidate(profile, guest, path, 'store'));
}

function inLayouts(profile: EmulatorProfile, { guest }: FindRequest): readonly Candidate[] {
  return layoutPaths(profile, guest).map((path) => candidate(profile, guest, path, 'layout'));
}

function inPath(profile: EmulatorProfile, { guest, path }: FindRequest): readonly Candidate[] {
  const names = fileNames(profile, guest);
  return path.flatMap((folder) => names.map((name) => candidate(profile, guest, join(folder, name), 'PATH')));
}

function inEntries(profile: EmulatorProfile, { guest, head, entries }: FindRequest): readonly Candidate[] {
  const serving = entries.filter(
    ({ pattern, interpreter }) => takes(pattern, head) && interpreter.startsWith('/'),
  );
  return serving.map(({ name, interpreter }) => ({
    ...candidate(profile, guest, interpreter, 'entry'),
    entry: name,
  }));
}

function takes(pattern: Pattern, head: Uint8Array): boolean {
  return pattern.type === 'magic' && matches(pattern, head, '');
}

function candidate({ id }: EmulatorProfile, guest: string, path: string, origin: Origin): Candidate {
  return { path, emulator: id, guest, origin };
}
