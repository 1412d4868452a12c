import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { archOfHeader } from '../catalogue/resolve.ts';
import type { Catalogue } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import type { Program } from './program.ts';

/** @throws PROGRAM_NOT_FOUND where the loader of a foreign program is not where its emulator looks. */
export function requireLoader({ name, head }: Program, loader: string, catalogue: Catalogue): void {
  const arch = archOfHeader(catalogue, head);
  const id = arch?.id ?? '';
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
