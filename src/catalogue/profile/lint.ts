/** What is wrong with profiles that are well-formed: each in itself, and with one another. */
import { overlap } from '../../rule/algebra.ts';
import { parseHex } from '../../rule/hex.ts';
import type { MagicPattern, Pattern } from '../../rule/types.ts';
import { archPattern, spellings } from '../resolve.ts';
import type { Arch, Catalogue, Format, FormatMatch, Profile } from '../types.ts';
import { lintArch } from './lint-arch.ts';
import { lintEmulator } from './lint-emulator.ts';
import type { ProfileProblem } from './schema.ts';

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
        ? [{ path: ['matches', index, 'magic'], message: 'has bits that the mask leaves out' }]
        : [],
    );
}

/** No spelling means two things. */
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

/** Every name that means a profile, and where in it that is said. */
function namesIn(profile: Profile): readonly Name[] {
  if (profile.kind === 'arch')
    return spellings(profile).map((name) => ({ name, path: pathOf(profile, name) }));
  const aliases = profile.kind === 'format' ? profile.aliases : [];
  return [
    { name: profile.id, path: ['id'] },
    ...aliases.map((name, index) => ({ name, path: ['aliases', index] })),
  ];
}

/** Where an arch says a spelling of it; that of a Docker platform may stand there with `linux/`. */
function pathOf({ id, aliases }: Arch, name: string): readonly (string | number)[] {
  const places = Object.entries(aliases).map(([key, all]: [string, readonly string[]]) => ({
    key,
    index: all.findIndex((alias) => alias === name || alias === `linux/${name}`),
  }));
  const place = places.find(({ index }) => index !== -1);
  return name === id || place === undefined ? ['id'] : ['aliases', place.key, place.index];
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
