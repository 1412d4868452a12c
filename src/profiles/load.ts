import { withProfiles } from '../catalogue/merge.ts';
import type { Catalogue } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { builtinCatalogue } from './builtin.ts';
import { checkProfiles } from './check.ts';

/** Number of problems in an error message; `catalogue lint` lists all. */
const MAX_LISTED = 5;

/**
 * Loads the built-in profiles and those in the given directories. A later profile replaces an earlier one of the same
 * kind and id.
 *
 * @throws BAD_PROFILE with files, lines and problems.
 */
export async function loadCatalogue(directories: readonly string[]): Promise<Catalogue> {
  if (directories.length === 0) return builtinCatalogue();
  const { profiles, problems } = await checkProfiles(directories, builtinCatalogue());
  if (problems.length === 0) return withProfiles(builtinCatalogue(), profiles);
  const listed = problems
    .slice(0, MAX_LISTED)
    .map(({ file, line, message }) => `${file}:${line}: ${message}`);
  const more = problems.length > MAX_LISTED ? `; and ${problems.length - MAX_LISTED} more` : '';
  throw new BinfmtctlError('BAD_PROFILE', `invalid profiles: ${listed.join('; ')}${more}`, {
    hint: `run \`binfmtctl catalogue lint ${directories.join(' ')}\` for all problems`,
  });
}
