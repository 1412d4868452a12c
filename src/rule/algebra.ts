/** Relations between patterns, decided from their bits and not from samples. */
import type { MagicPattern, Pattern } from './types.ts';

/** Scripts, which the kernel's own loader takes (fs/binfmt_script.c). */
export const SCRIPT_PATTERN: MagicPattern = {
  type: 'magic',
  offset: 0,
  magic: Uint8Array.of(0x23, 0x21),
  mask: null,
};

/**
 * Whether one file can match both. Exact: two magics unless both fix a bit to different values; two extensions
 * when they are the same. A magic and an extension always can, since a file of any content may have any name:
 * who judges rules by headers alone, as the safety rules do, must leave extensions out of the question.
 */
export function overlap(a: Pattern, b: Pattern): boolean {
  if (a.type === 'magic' && b.type === 'magic') return overlapMagic(a, b);
  if (neverMatches(a) || neverMatches(b)) return false;
  return a.type !== b.type || isSameExtension(a, b);
}

/** Whether every file that matches `b` matches `a` too. */
export function covers(a: Pattern, b: Pattern): boolean {
  if (neverMatches(b)) return true;
  if (a.type === 'extension') return isSameExtension(a, b);
  return b.type === 'magic' ? coversMagic(a, b) : comparesNothing(a);
}

/** Whether both mean the same: bits outside the mask do not count, and no mask is a mask of all ff. */
export function equalPatterns(a: Pattern, b: Pattern): boolean {
  if (a.type === 'extension' || b.type === 'extension') return isSameExtension(a, b);
  return covers(a, b) && covers(b, a);
}

/** Whether no file is left out by a magic: its mask is all zeros. */
export function comparesNothing(pattern: MagicPattern): boolean {
  return pattern.magic.every((_, index) => maskAt(pattern, pattern.offset + index) === 0);
}

// Loops without calls: commands compare the rules of thousands of entries, most of which differ within a few bytes.
function overlapMagic(a: MagicPattern, b: MagicPattern): boolean {
  const shift = a.offset - b.offset;
  const end = Math.min(a.magic.length, b.magic.length - shift);
  for (let at = Math.max(0, -shift); at < end; at++) {
    const bits =
      (a.mask === null ? 0xff : (a.mask[at] ?? 0)) & (b.mask === null ? 0xff : (b.mask[at + shift] ?? 0));
    if ((bits & ((a.magic[at] ?? 0) ^ (b.magic[at + shift] ?? 0))) !== 0) return false;
  }
  return true;
}

function coversMagic(a: MagicPattern, b: MagicPattern): boolean {
  const shift = a.offset - b.offset;
  for (let at = 0; at < a.magic.length; at++) {
    const there = at + shift;
    const isThere = there >= 0 && there < b.magic.length;
    const fixed = !isThere ? 0 : b.mask === null ? 0xff : (b.mask[there] ?? 0);
    const different = (a.magic[at] ?? 0) ^ (b.magic[there] ?? 0);
    if (((a.mask === null ? 0xff : (a.mask[at] ?? 0)) & (~fixed | different)) !== 0) return false;
  }
  return true;
}

/** Bits that count at a byte of the file; none outside the magic. */
export function maskAt({ offset, magic, mask }: MagicPattern, at: number): number {
  if (at < offset || at >= offset + magic.length) return 0;
  return mask === null ? 0xff : (mask[at - offset] ?? 0);
}

/** The kernel takes an extension with a dot but looks only after the last dot of a path. */
export const neverMatches = (pattern: Pattern): boolean =>
  pattern.type === 'extension' && pattern.extension.includes('.');

const isSameExtension = (a: Pattern, b: Pattern): boolean =>
  a.type === 'extension' && b.type === 'extension' && a.extension === b.extension;
