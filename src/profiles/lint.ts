import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY } from '../catalogue/merge.ts';
import { builtinCatalogue } from './builtin.ts';
import { checkProfiles } from './check.ts';
import type { Problem } from './read.ts';

/**
 * Lists all problems of the profiles in directories, checked together with the built-in ones. Without directories,
 * checks the built-in profiles, but only in a working copy: a package contains compiled ones, which were checked
 * before.
 *
 * @throws BAD_PROFILE if a directory does not exist.
 */
export async function lintDirectories(directories: readonly string[]): Promise<readonly Problem[]> {
  if (directories.length > 0) return (await checkProfiles(directories, builtinCatalogue())).problems;
  const own = ownProfiles();
  return own === undefined ? [] : (await checkProfiles([own], EMPTY)).problems;
}

/** The directory `profiles` of a working copy, relative to `dist/` or `src/profiles/`. */
function ownProfiles(): string | undefined {
  const candidates = ['../profiles', '../../profiles'].map((path) => join(import.meta.dirname, path));
  return candidates.find((path) => existsSync(join(path, 'arch')));
}
