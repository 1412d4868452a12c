import { isBootFile } from '../boot/paths.ts';
import type { Catalogue } from '../catalogue/types.ts';
import { profileOf } from '../emulators/names.ts';
import type { Origin } from '../emulators/types.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import type { Proof } from '../probe/verdict.ts';
import type { StoredRegistration } from '../state/registrations.ts';
import { maskSecrets } from '../text/secrets.ts';
import type { DesiredState } from './plan.ts';

/** The emulator that runs programs of an arch, and where it comes from. */
export interface InstalledEmulator {
  readonly arch: string;
  /** Name of the entry. */
  readonly entry: string;
  /** Id of its profile; null if unknown. */
  readonly emulator: string | null;
  readonly version: string | null;
  /** Null, as what follows, if the program behind an entry that works already cannot be seen. */
  readonly path: string | null;
  readonly sha256: string | null;
  readonly static: boolean | null;
  /** Where it was found; null for an entry that works already. */
  readonly origin: Origin | null;
  /** The source that it was fetched from, as it was named. */
  readonly source: string | null;
  /** For `apt`: the release of the distribution. */
  readonly release: string | null;
  /** Whether a boot service registers the entry again after a reboot. */
  readonly persisted: boolean;
}

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

/** The emulators of entries that work already. */
export function servingEmulators(
  proofs: readonly Proof[],
  registrations: ReadonlyMap<string, StoredRegistration>,
  catalogue: Catalogue,
): readonly InstalledEmulator[] {
  return proofs.flatMap(({ arch, entry, emulator }): InstalledEmulator[] => {
    if (entry === null) return [];
    const registration = registrations.get(entry)?.registration;
    const isOurs = emulator === null || registration?.emulator.sha256 === emulator.sha256;
    const known = isOurs ? registration?.emulator : undefined;
    const profile = emulator === null ? null : profileOf(emulator.path, arch, catalogue);
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
