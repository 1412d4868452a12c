import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY } from '../catalogue/merge.ts';
import { builtinCatalogue } from './builtin.ts';
import { checkProfiles } from './check.ts';
import type { Problem } from './read.ts';

/**
 * Every problem of the profiles in folders, seen among those that come with binfmtctl; without folders, of these
 * themselves. A package has them compiled, and checked before that. BAD_PROFILE where there is no such folder.
 */
export async function lintDirectories(directories: readonly string[]): Promise<readonly Problem[]> {
  if (directories.length > 0) return (await checkProfiles(directories, builtinCatalogue())).problems;
  const own = ownProfiles();
  return own === undefined ? [] : (await checkProfiles([own], EMPTY)).problems;
}

/** The folder `profiles` of a working copy, from `dist/` as from `src/profiles/`. */
function ownProfiles(): string | undefined {
  const candidates = ['../profiles', '../../profiles'].map((path) => join(import.meta.dirname, path));
  return candidates.find((path) => existsSync(join(path, 'arch')));
}
