import { basename } from 'node:path';
import type { Candidate } from '../../emulators/types.ts';
import { withArchiveName } from '../../system/file/integrity.ts';
import { takeFromArchives } from '../archives.ts';
import { layoutRoles } from '../members.ts';
import { openPackage } from '../packages.ts';
import type { EmulatorTarget, FetchOptions } from '../types.ts';

/**
 * Extracts emulators from a Debian package into the store. Reads the package only up to the last of them. Writes
 * nothing else, and never uses a name in the package as a path. The result lacks emulators that the package does not
 * contain.
 *
 * @throws BAD_PACKAGE if it is truncated, corrupt, too large, or has unsafe names, links or devices, in which case
 * nothing is stored; NO_TOOL without xz and dpkg-deb; INTERRUPTED; errors of the store.
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
