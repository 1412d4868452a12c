/** Chooses the packages to search for emulators. Pure. */
import type { EmulatorProfile } from '../../catalogue/types.ts';
import type { EmulatorTarget } from '../types.ts';
import { isPackageName, type PackageStanza } from './texts.ts';

/** Names of the packages that may contain the emulators, in order of preference. */
export function packageNames(targets: readonly EmulatorTarget[]): readonly string[] {
  const names = targets.flatMap(({ guest, profiles }) =>
    profiles.flatMap((profile) => namesFor(profile, guest)),
  );
  return [...new Set(names)].filter(isPackageName);
}

/**
 * Selects the packages to download, in order. A package that depends on another of them only links to it (Debian 13's
 * `qemu-user-static` to `qemu-user`). A package that depends on the C library contains dynamic programs (Debian 12's
 * `qemu-user`); it is used only if there is no static package of the emulator.
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
      const isStatic = real.filter(({ depends }) => !depends.some((name) => C_LIBRARY.test(name)));
      return isStatic.length > 0 ? isStatic : real;
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
