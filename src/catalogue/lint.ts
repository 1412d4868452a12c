/** What is wrong with profiles that are well-formed: each in itself, and with one another. */
import { overlap } from '../rule/algebra.ts';
import { parseHex } from '../rule/hex.ts';
import type { Pattern } from '../rule/types.ts';
import { lintArch } from './lint-arch.ts';
import { lintEmulator } from './lint-emulator.ts';
import { archPattern, spellings } from './resolve.ts';
import type { ProfileProblem } from './schema.ts';
import type { Arch, Catalogue, Format, FormatMatch, Profile } from './types.ts';

/**
 * The problems of one profile among those of `catalogue`, which it is one of: what its bytes say against what it says
 * itself; patterns that overlap without both sides saying so; names that mean two things; ids that nobody has.
 */
export function lintProfile(profile: Profile, catalogue: Catalogue): readonly ProfileProblem[] {
  switch (profile.kind) {
    case 'arch':
      return [
        ...lintArch(profile, catalogue),
        ...lintNames(profile, catalogue),
        ...lintOverlaps(profile, catalogue),
      ];
    case 'format':
      return [...lintNames(profile, catalogue), ...lintOverlaps(profile, catalogue)];
    case 'emulator':
      return lintEmulator(profile, catalogue);
  }
}

/** No spelling means two things. */
function lintNames(
  profile: Arch | Format,
  { arches, formats, emulators }: Catalogue,
): readonly ProfileProblem[] {
  const owners = new Map<string, string>();
  const others = [...Object.values(arches), ...Object.values(formats)].filter(
    ({ kind, id }) => kind !== profile.kind || id !== profile.id,
  );
  for (const other of others)
    for (const name of namesOf(other)) owners.set(name.toLowerCase(), `${other.kind} ${other.id}`);
  for (const { id } of Object.values(emulators)) owners.set(id.toLowerCase(), `emulator ${id}`);
  return placesOf(profile).flatMap(({ path, name }) => {
    const owner = owners.get(name.toLowerCase());
    return owner === undefined ? [] : [{ path, message: `${name} also means ${owner}` }];
  });
}

const namesOf = (profile: Arch | Format): readonly string[] =>
  profile.kind === 'arch' ? spellings(profile) : [profile.id, ...profile.aliases];

interface Place {
  readonly path: readonly (string | number)[];
  readonly name: string;
}

function placesOf(profile: Arch | Format): readonly Place[] {
  const id = { path: ['id'], name: profile.id };
  const inList = (path: readonly string[], all: readonly string[]): readonly Place[] =>
    all.map((name, index) => ({ path: [...path, index], name }));
  if (profile.kind === 'format') return [id, ...inList(['aliases'], profile.aliases)];
  return [id, ...Object.entries(profile.aliases).flatMap(([key, all]) => inList(['aliases', key], all))];
}

/** Two profiles overlap exactly where both say so. */
function lintOverlaps(profile: Arch | Format, { arches, formats }: Catalogue): readonly ProfileProblem[] {
  const others = [...Object.values(arches), ...Object.values(formats)].filter(({ id }) => id !== profile.id);
  const unknown = profile.overlaps.flatMap((id, index) =>
    others.some((other) => other.id === id)
      ? []
      : [{ path: ['overlaps', index], message: `there is no ${id}` }],
  );
  const known = others.flatMap((other) => {
    const isTrue = patternsOf(profile).some((a) => patternsOf(other).some((b) => takeOneFile(a, b)));
    const isSaid = profile.overlaps.includes(other.id);
    const index = profile.overlaps.indexOf(other.id);
    if (isTrue && !isSaid)
      return [
        {
          path: ['overlaps'],
          message: `the same file can be ${profile.id} and ${other.id}, which is not said`,
        },
      ];
    if (!isTrue && isSaid)
      return [{ path: ['overlaps', index], message: `no file can be ${profile.id} and ${other.id}` }];
    if (isSaid && !other.overlaps.includes(profile.id))
      return [{ path: ['overlaps', index], message: `${other.id} does not say so too` }];
    return [];
  });
  return [...unknown, ...known];
}

/** By its bytes; that any file may have any extension is in the nature of extensions. */
const takeOneFile = (a: Pattern, b: Pattern): boolean => a.type === b.type && overlap(a, b);

const patternsOf = (profile: Arch | Format): readonly Pattern[] =>
  profile.kind === 'arch' ? [archPattern(profile)] : profile.matches.map(patternOf);

/** The pattern of a match of a format. */
export function patternOf(match: FormatMatch): Pattern {
  if (match.type === 'extension') return match;
  const { offset, magic, mask } = match;
  const bytes = (hex: string): Uint8Array => parseHex(hex) ?? new Uint8Array();
  return { type: 'magic', offset, magic: bytes(magic), mask: mask === undefined ? null : bytes(mask) };
}
