import type { Catalogue, Profile } from './types.ts';

/** Adds profiles to a catalogue. A profile replaces one of the same kind and id. */
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
