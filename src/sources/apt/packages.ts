/** Which packages are to be looked into. Pure. */
import type { EmulatorProfile } from '../../catalogue/types.ts';
import type { EmulatorTarget } from '../types.ts';
import { isPackageName, type PackageStanza } from './texts.ts';

/** Names of the packages that may hold the wanted emulators, the most promising first. */
export function packageNames(targets: readonly EmulatorTarget[]): readonly string[] {
  const names = targets.flatMap(({ guest, profiles }) =>
    profiles.flatMap((profile) => namesFor(profile, guest)),
  );
  return [...new Set(names)].filter(isPackageName);
}

/**
 * The packages that are worth a download, in order. One that depends on another of them only links to it (Debian 13's
 * `qemu-user-static` to `qemu-user`); one that depends on the C library holds dynamic programs (Debian 12's
 * `qemu-user`) and comes into question only where its emulator is not packaged as static.
 */
export function choosePackages(
  targets: readonly EmulatorTarget[],
  available: readonly PackageStanza[],
): readonly PackageStanza[] {
  const chosen = targets.flatMap(({ guest, profiles }) =>
    profiles.flatMap((profile) => {
      const names = namesFor(profile, guest);
      const present = names.flatMap((name) => available.filter((each) => each.name === name).slice(0, 1));
      const real = present.filter(({ depends }) => !present.some(({ name }) => depends.includes(name)));
      const fixed = real.filter(({ depends }) => !depends.some((name) => C_LIBRARY.test(name)));
      return fixed.length > 0 ? fixed : real;
    }),
  );
  return [...new Set(chosen)];
}

const C_LIBRARY = /^(libc\d[\d.]*(-.*)?|musl)$/;

function namesFor({ layouts, guests }: EmulatorProfile, guest: string): readonly string[] {
  const debian = layouts.filter(({ distribution }) => /^(debian|ubuntu)/.test(distribution));
  const names = debian.flatMap(({ packages }) => packages);
  return [...new Set(names.map((name) => name.replaceAll('{target}', guests[guest] ?? guest)))];
}
