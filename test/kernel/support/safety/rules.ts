/** Random sets of rules that come close to the headers and names of native programs. */
import type { Flag, MagicPattern, Pattern, Rule } from '../../../../src/rule/types.ts';

/** A random integer below `limit`. */
export type Random = (limit: number) => number;

/** Mulberry32: fast, and the same for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

export interface Material {
  /** First bytes of native programs and of other files. */
  readonly heads: readonly Uint8Array[];
  readonly interpreters: readonly string[];
  /** Patterns of the catalogue. */
  readonly patterns: readonly MagicPattern[];
}

const EXTENSIONS = [
  ...['11', 'sh', 'so', '2', 'postinst', 'tool', 'bin', 'x', 'ab', 'link', 'run', 'foreign', 'so.2', '0'],
  ...['py', 'jar', 'exe', 'AppImage', 'wasm', 'class', 'pl', '12', '3', 'md', 'qq', 'SH', 'postins', 'so2'],
];
const FLAGS: readonly (readonly Flag[])[] = [[], [], [], ['F'], ['P'], ['O'], ['O', 'C'], ['P', 'F']];

export function randomRules(random: Random, material: Material): readonly Rule[] {
  return Array.from({ length: 1 + random(3) }, (_, index) => ({
    name: `rule-${index}`,
    pattern: randomPattern(random, material),
    interpreter: pick(random, material.interpreters),
    flags: pick(random, FLAGS),
  }));
}

const pick = <T>(random: Random, all: readonly T[]): T => all[random(all.length)] as T;

function randomPattern(random: Random, { heads, patterns }: Material): Pattern {
  const kind = random(10);
  if (kind < 3) return { type: 'extension', extension: pick(random, EXTENSIONS) };
  if (kind < 5) return loosened(random, pick(random, patterns));
  return nearMiss(random, pick(random, heads));
}

/** A pattern with some bits of its mask cleared. */
function loosened(random: Random, pattern: MagicPattern): MagicPattern {
  const mask = pattern.mask?.slice() ?? new Uint8Array(pattern.magic.length).fill(0xff);
  for (let count = random(4); count > 0; count--) mask[random(mask.length)] = pick(random, [0, random(256)]);
  return { ...pattern, mask };
}

/** Part of a head, most often with bits that differ. */
function nearMiss(random: Random, head: Uint8Array): MagicPattern {
  const offset = pick(random, [0, 0, 0, random(24), random(64)]);
  const size = 1 + pick(random, [random(4), random(20), 19]);
  const magic = Uint8Array.from({ length: size }, (_, index) => head[offset + index] ?? 0);
  const mask = Uint8Array.from({ length: size }, () =>
    pick(random, [0xff, 0xff, 0xff, 0xff, 0, random(256)]),
  );
  for (let count = random(4); count > 0; count--) {
    const at = random(size);
    magic[at] = (magic[at] ?? 0) ^ (1 << random(8));
  }
  return { type: 'magic', offset, magic, mask: random(4) === 0 ? null : mask };
}
