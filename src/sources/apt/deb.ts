import { basename } from 'node:path';
import type { Candidate } from '../../emulators/types.ts';
import { withArchiveName } from '../../system/file/integrity.ts';
import { takeFromArchives } from '../archives.ts';
import { layoutRoles } from '../members.ts';
import { openPackage } from '../packages.ts';
import type { EmulatorTarget, FetchOptions } from '../types.ts';

/**
 * Takes the wanted emulators out of a Debian package and into the store. The package is read no further than to the last
 * of them; nothing else of it is written anywhere, and no name in it is used as a path. What it has not is left out.
 *
 * @throws BAD_PACKAGE for one that is truncated, corrupt, absurdly large, or has names, links or devices that no package
 * needs, and then nothing is stored; NO_TOOL without xz and dpkg-deb; INTERRUPTED; what the store throws.
 */
export function takeFromPackage(
  file: string,
  targets: readonly EmulatorTarget[],
  options: FetchOptions,
): Promise<readonly Candidate[]> {
  const name = basename(file);
  const what = `package ${name}`;
  return withArchiveName(what, async () => {
    const archive = await openPackage(file, what, options.signal);
    return takeFromArchives([archive], layoutRoles(targets), { ...options, name, origin: 'apt' });
  });
}
