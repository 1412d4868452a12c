import { withProfiles } from '../catalogue/merge.ts';
import type { Catalogue } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { builtinCatalogue } from './builtin.ts';
import { checkProfiles } from './check.ts';

/** As many problems as an error names; `catalogue lint` names all. */
const MAX_LISTED = 5;

/**
 * The profiles that come with binfmtctl and those of a user's folders, of which a later one takes the place of an
 * earlier one of the same kind and id.
 *
 * @throws BAD_PROFILE, with the problems of all files and their lines.
 */
export async function loadCatalogue(directories: readonly string[]): Promise<Catalogue> {
  if (directories.length === 0) return builtinCatalogue();
  const { profiles, problems } = await checkProfiles(directories, builtinCatalogue());
  if (problems.length === 0) return withProfiles(builtinCatalogue(), profiles);
  const listed = problems
    .slice(0, MAX_LISTED)
    .map(({ file, line, message }) => `${file}:${line}: ${message}`);
  const more = problems.length > MAX_LISTED ? `; and ${problems.length - MAX_LISTED} more` : '';
  throw new BinfmtctlError('BAD_PROFILE', `wrong profiles: ${listed.join('; ')}${more}`, {
    hint: `\`binfmtctl catalogue lint ${directories.join(' ')}\` names every problem`,
  });
}
