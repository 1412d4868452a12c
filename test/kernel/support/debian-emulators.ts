import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';

/** Architecture → emulator of the package: the static emulators moved from one package to the other in Debian 13, which
 * has links by Debian's names beside them. */
export function debianEmulators(): ReadonlyMap<string, string> {
  for (const name of ['qemu-user-static', 'qemu-user']) {
    const folder = join(unpackPackages(name)[0] ?? '', 'usr/bin');
    const files = readdirSync(folder, { withFileTypes: true }).filter((file) => file.isFile());
    const idOf = (file: string) => file.replace(/^qemu-|-static$/g, '');
    if (files.length > 0) return new Map(files.map((file) => [idOf(file.name), join(folder, file.name)]));
  }
  throw new Error('no package has emulators');
}
