import { withProfiles } from '../catalogue/merge.ts';
import { lintProfile } from '../catalogue/profile/lint.ts';
import { lintFacts } from '../catalogue/profile/lint-facts.ts';
import type { Catalogue, Profile } from '../catalogue/types.ts';
import { runningHead } from '../system/process/running-head.ts';
import { problemText } from '../text/yaml.ts';
import { builtinCatalogue } from './builtin.ts';
import { type Problem, readProfiles } from './read.ts';

export interface Checked {
  readonly profiles: readonly Profile[];
  /** Sorted by file and line. */
  readonly problems: readonly Problem[];
}

/** Reads the profiles in directories and checks them together with those of `known`, and against this machine. */
export async function checkProfiles(directories: readonly string[], known: Catalogue): Promise<Checked> {
  const read = await Promise.all(directories.map(readProfiles));
  const found = read.flatMap(({ profiles }) => profiles);
  const profiles = found.map(({ profile }) => profile);
  const catalogue = withProfiles(known, profiles);
  const head = runningHead();
  const wrong = found.flatMap(({ file, profile, lineOf }) =>
    [...lintProfile(profile, catalogue), ...lintFacts(profile, head, builtinCatalogue())].map(
      ({ path, message }) => ({ file, line: lineOf(path), message: problemText(path, message) }),
    ),
  );
  const problems = [...read.flatMap((each) => each.problems), ...wrong];
  return {
    profiles,
    problems: problems.toSorted((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1)),
  };
}
