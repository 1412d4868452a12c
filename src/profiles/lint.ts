import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY } from '../catalogue/merge.ts';
import { builtinCatalogue } from './builtin.ts';
import { checkProfiles } from './check.ts';
import type { Problem } from './read.ts';

/**
 * Every problem of the profiles in folders, seen among those that come with binfmtctl; without folders, of these
 * themselves. BAD_PROFILE where there is no such folder.
 */
export async function lintDirectories(directories: readonly string[]): Promise<readonly Problem[]> {
  const checked =
    directories.length === 0
      ? checkProfiles([ownProfiles()], EMPTY)
      : checkProfiles(directories, builtinCatalogue());
  return (await checked).problems;
}

/** The package's folder `profiles`, from `dist/` as from `src/profiles/`. */
function ownProfiles(): string {
  const candidates = ['../profiles', '../../profiles'].map((path) => join(import.meta.dirname, path));
  return candidates.find((path) => existsSync(join(path, 'arch'))) ?? candidates[0] ?? '';
}
