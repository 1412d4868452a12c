/** Finds problems of well-formed profiles, each alone and in combination with others. */
import { overlap } from '../../rule/algebra.ts';
import { parseHex } from '../../rule/hex.ts';
import type { MagicPattern, Pattern } from '../../rule/types.ts';
import { archPattern, spellings } from '../resolve.ts';
import type { Arch, Catalogue, Format, FormatMatch, Profile } from '../types.ts';
import { lintArch } from './lint-arch.ts';
import { lintEmulator } from './lint-emulator.ts';
import type { ProfileProblem } from './schema.ts';

/**
 * Finds the problems of one profile of a catalogue: bytes that contradict its fields, overlaps that are not declared on both
 * sides, ambiguous names, and unknown ids.
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
      return [...lintMatches(profile), ...lintNames(profile, catalogue), ...lintOverlaps(profile, catalogue)];
    case 'emulator':
      return [...lintEmulator(profile, catalogue), ...lintNames(profile, catalogue)];
  }
}

function lintMatches({ matches }: Format): readonly ProfileProblem[] {
  const isOutside = ({ magic, mask }: MagicPattern): boolean =>
    magic.some((byte, at) => (byte & ~(mask?.[at] ?? 0xff)) !== 0);
  return matches
    .map(patternOf)
    .flatMap((pattern, index) =>
      pattern.type === 'magic' && isOutside(pattern)
        ? [{ path: ['matches', index, 'magic'], message: 'has bits outside the mask' }]
        : [],
    );
}

/** Each name must mean only one profile. */
function lintNames(profile: Profile, { arches, formats, emulators }: Catalogue): readonly ProfileProblem[] {
  const owners = new Map(
    [arches, formats, emulators]
      .flatMap((all) => Object.values<Profile>(all))
      .filter(({ kind, id }) => kind !== profile.kind || id !== profile.id)
      .flatMap((other) =>
        namesIn(other).map(({ name }) => [name.toLowerCase(), `${other.kind} ${other.id}`]),
      ),
  );
  return namesIn(profile).flatMap(({ path, name }) => {
    const owner = owners.get(name.toLowerCase());
    return owner === undefined ? [] : [{ path, message: `${name} also means ${owner}` }];
  });
}

interface Name {
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** Returns every name of a profile, with its path in the document. */
function namesIn(profile: Profile): readonly Name[] {
  if (profile.kind === 'arch')
    return spellings(profile).map((name) => ({ name, path: pathOf(profile, name) }));
  const aliases = profile.kind === 'format' ? profile.aliases : [];
  return [
    { name: profile.id, path: ['id'] },
    ...aliases.map((name, index) => ({ name, path: ['aliases', index] })),
  ];
}

/** Returns the path of a spelling of an arch. The list of Docker platforms may have it with `linux/`. */
function pathOf({ id, aliases }: Arch, name: string): readonly (string | number)[] {
  const places = Object.entries(aliases).map(([key, all]: [string, readonly string[]]) => ({
    key,
    index: all.findIndex((alias) => alias === name || alias === `linux/${name}`),
  }));
  const place = places.find(({ index }) => index !== -1);
  return name === id || place === undefined ? ['id'] : ['aliases', place.key, place.index];
}

/** Two profiles may overlap only if both declare it. */
function lintOverlaps(profile: Arch | Format, { arches, formats }: Catalogue): readonly ProfileProblem[] {
  const others = [...Object.values(arches), ...Object.values(formats)].filter(({ id }) => id !== profile.id);
  const unknown = profile.overlaps.flatMap((id, index) =>
    others.some((other) => other.id === id)
      ? []
      : [{ path: ['overlaps', index], message: `unknown arch or format ${id}` }],
  );
  const known = others.flatMap((other) => {
    const overlaps = patternsOf(profile).some((a) => patternsOf(other).some((b) => matchSameFile(a, b)));
    const isDeclared = profile.overlaps.includes(other.id);
    const index = profile.overlaps.indexOf(other.id);
    if (overlaps && !isDeclared)
      return [
        {
          path: ['overlaps'],
          message: `must list ${other.id}: a file can match both ${profile.id} and ${other.id}`,
        },
      ];
    if (!overlaps && isDeclared)
      return [{ path: ['overlaps', index], message: `no file can match both ${profile.id} and ${other.id}` }];
    if (isDeclared && !other.overlaps.includes(profile.id))
      return [{ path: ['overlaps', index], message: `${other.id} must list ${profile.id} as well` }];
    return [];
  });
  return [...unknown, ...known];
}

/** An extension and a magic can always match the same file, which is not worth declaring. */
const matchSameFile = (a: Pattern, b: Pattern): boolean => a.type === b.type && overlap(a, b);

const patternsOf = (profile: Arch | Format): readonly Pattern[] =>
  profile.kind === 'arch' ? [archPattern(profile)] : profile.matches.map(patternOf);

/** Converts a match of a format to a pattern. */
export function patternOf(match: FormatMatch): Pattern {
  if (match.type === 'extension') return match;
  const { offset, magic, mask } = match;
  const bytes = (hex: string): Uint8Array => parseHex(hex) ?? new Uint8Array();
  return { type: 'magic', offset, magic: bytes(magic), mask: mask === undefined ? null : bytes(mask) };
}
