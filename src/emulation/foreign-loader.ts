import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readEntries } from '../binfmt/entries.ts';
import { archOfHeader } from '../catalogue/resolve.ts';
import type { Context } from '../context.ts';
import { profileOf } from '../emulators/names.ts';
import { BinfmtctlError } from '../errors.ts';
import { firstMatch, matches } from '../rule/match.ts';
import type { Rule } from '../rule/types.ts';
import type { LocatedProgram } from '../system/process/locate-program.ts';

/**
 * Checks that the emulator of a foreign program finds the program's loader.
 *
 * @param rules rules of the private instance; null if existing entries are used
 * @throws PROGRAM_NOT_FOUND if the loader is not in a directory that the emulator searches.
 */
export function requireLoader(
  { name, head }: LocatedProgram,
  loader: string,
  rules: readonly Rule[] | null,
  { catalogue, binfmtDirectory }: Pick<Context, 'catalogue' | 'binfmtDirectory'>,
): void {
  const arch = archOfHeader(catalogue, head);
  const id = arch?.id ?? '';
  const serving =
    rules?.find(({ pattern }) => matches(pattern, head, name)) ??
    firstMatch(readEntries(binfmtDirectory).entries, head, name);
  if (serving !== null && profileOf(serving.interpreter, id, catalogue)?.ownLibraries === true) return;
  // QEMU also searches these directories, as configured upstream and by Debian (--interp-prefix).
  const prefixes = [process.env['QEMU_LD_PREFIX'] ?? '', `/usr/gnemul/qemu-${id}`, `/etc/qemu-binfmt/${id}`];
  if (prefixes.some((prefix) => existsSync(join(prefix, loader)))) return;
  const directories = arch?.aliases.gnu.map((triplet) => `/usr/${triplet}`) ?? [];
  const cross = directories.find((directory) => existsSync(join(directory, loader)));
  throw new BinfmtctlError(
    'PROGRAM_NOT_FOUND',
    `cannot execute ${name}: its loader ${loader} is not on this machine`,
    {
      hint:
        cross === undefined
          ? 'pass a tree that contains the loader with --sysroot DIR, or use `binfmtctl enter DIR`'
          : `use --sysroot ${cross}`,
    },
  );
}
