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
 * @param rules what a private instance holds; null if the machine's entries serve
 * @throws PROGRAM_NOT_FOUND where the loader of a foreign program is not where its emulator looks.
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
  // Where QEMU looks besides: as it is configured upstream, and by Debian (--interp-prefix).
  const prefixes = [process.env['QEMU_LD_PREFIX'] ?? '', `/usr/gnemul/qemu-${id}`, `/etc/qemu-binfmt/${id}`];
  if (prefixes.some((prefix) => existsSync(join(prefix, loader)))) return;
  const folders = arch?.aliases.gnu.map((triplet) => `/usr/${triplet}`) ?? [];
  const cross = folders.find((folder) => existsSync(join(folder, loader)));
  throw new BinfmtctlError(
    'PROGRAM_NOT_FOUND',
    `${name} is loaded by ${loader}, which is not on this machine`,
    {
      hint:
        cross === undefined
          ? 'name a tree that has it with --sysroot DIR, or `binfmtctl enter DIR`'
          : `\`--sysroot ${cross}\` has it`,
    },
  );
}
