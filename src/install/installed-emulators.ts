import { isBootFile } from '../boot/paths.ts';
import type { Catalogue } from '../catalogue/types.ts';
import { profileOf } from '../emulators/names.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import type { Proof } from '../probe/verdict.ts';
import type { Entry } from '../rule/types.ts';
import type { StoredRegistration } from '../state/registrations.ts';
import { maskSecrets } from '../text/secrets.ts';
import type { DesiredState } from './plan.ts';
import type { InstalledEmulator } from './types.ts';

/** What is registered, with the emulator of each rule. Both lists have the same order. */
export function registeredEmulators(
  found: readonly FoundEmulator[],
  desired: readonly DesiredState[],
): readonly InstalledEmulator[] {
  return found.flatMap(({ arch, profile, emulator, source }, index): InstalledEmulator[] => {
    const state = desired[index];
    if (state === undefined) return [];
    const { path, sha256, version, origin, release = null } = emulator;
    return [
      {
        ...{ arch: arch.id, entry: state.rule.name, emulator: profile.id, version, path, sha256 },
        ...{ static: emulator.static, origin, release },
        source: source === undefined ? null : maskSecrets(source),
        persisted: state.files.some((file) => isBootFile(file.path)),
      },
    ];
  });
}

/**
 * The emulators of entries that work already. A program that another container registered has no usual path here, so the
 * name of the entry's interpreter tells its profile as well.
 */
export function servingEmulators(
  proofs: readonly Proof[],
  entries: readonly Entry[],
  registrations: ReadonlyMap<string, StoredRegistration>,
  catalogue: Catalogue,
): readonly InstalledEmulator[] {
  return proofs.flatMap(({ arch, entry, emulator }): InstalledEmulator[] => {
    if (entry === null) return [];
    const registration = registrations.get(entry)?.registration;
    const isOurs = emulator === null || registration?.emulator.sha256 === emulator.sha256;
    const known = isOurs ? registration?.emulator : undefined;
    const interpreter = entries.find(({ name }) => name === entry)?.interpreter;
    const paths = [emulator?.path, interpreter].filter((path) => path !== undefined);
    const profile = paths.map((path) => profileOf(path, arch, catalogue)).find((each) => each !== null);
    return [
      {
        ...{ arch, entry, emulator: known?.profile ?? profile?.id ?? null },
        version: emulator?.version ?? known?.version ?? null,
        ...{ path: emulator?.path ?? null, sha256: emulator?.sha256 ?? null },
        static: emulator === null ? null : emulator.loader === null,
        ...{ origin: null, source: null, release: null },
        persisted: (registration?.persisted.length ?? 0) > 0,
      },
    ];
  });
}
