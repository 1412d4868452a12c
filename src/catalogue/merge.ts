import type { Catalogue, Profile } from './types.ts';

/** A catalogue with more profiles; one of the same kind and id takes the place of another. */
export function withProfiles(catalogue: Catalogue, profiles: readonly Profile[]): Catalogue {
  const of = <K extends Profile['kind']>(kind: K) =>
    Object.fromEntries(
      profiles
        .filter((profile): profile is Extract<Profile, { kind: K }> => profile.kind === kind)
        .map((profile) => [profile.id, profile]),
    );
  return {
    arches: { ...catalogue.arches, ...of('arch') },
    formats: { ...catalogue.formats, ...of('format') },
    emulators: { ...catalogue.emulators, ...of('emulator') },
  };
}

export const EMPTY: Catalogue = { arches: {}, formats: {}, emulators: {} };
