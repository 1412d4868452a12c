/** Relations between patterns, decided exactly from their bits. */
import type { MagicPattern, Pattern } from './types.ts';

/** Scripts, which the kernel loads itself (fs/binfmt_script.c). */
export const SCRIPT_PATTERN: MagicPattern = {
  type: 'magic',
  offset: 0,
  magic: Uint8Array.of(0x23, 0x21),
  mask: null,
};

/**
 * True if a file can match both. Exact. Two magics overlap unless both fix a bit to different values; two extensions
 * overlap if they are equal. A magic and an extension always overlap, because a file of any content can have any name.
 * The safety rules, which judge by headers, must therefore handle extensions separately.
 */
export function overlap(a: Pattern, b: Pattern): boolean {
  if (a.type === 'magic' && b.type === 'magic') return overlapMagic(a, b);
  if (neverMatches(a) || neverMatches(b)) return false;
  return a.type !== b.type || isSameExtension(a, b);
}

/** True if every file that matches `b` also matches `a`. */
export function covers(a: Pattern, b: Pattern): boolean {
  if (neverMatches(b)) return true;
  if (a.type === 'extension') return isSameExtension(a, b);
  return b.type === 'magic' ? coversMagic(a, b) : comparesNothing(a);
}

/** True if both match the same files: ignores bits outside the mask, and treats no mask as all ff. */
export function equalPatterns(a: Pattern, b: Pattern): boolean {
  if (a.type === 'extension' || b.type === 'extension') return isSameExtension(a, b);
  return covers(a, b) && covers(b, a);
}

/** True if a magic matches every file: its mask is all zeros. */
export function comparesNothing(pattern: MagicPattern): boolean {
  return pattern.magic.every((_, index) => maskAt(pattern, pattern.offset + index) === 0);
}

// Loops without calls, for speed: commands compare the rules of thousands of entries, most of which differ within a few
// bytes.
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
    const position = at + shift;
    const isWithin = position >= 0 && position < b.magic.length;
    const fixed = !isWithin ? 0 : b.mask === null ? 0xff : (b.mask[position] ?? 0);
    const different = (a.magic[at] ?? 0) ^ (b.magic[position] ?? 0);
    if (((a.mask === null ? 0xff : (a.mask[at] ?? 0)) & (~fixed | different)) !== 0) return false;
  }
  return true;
}

/** Mask of the bits that a pattern compares at a byte of the file. */
export function maskAt({ offset, magic, mask }: MagicPattern, at: number): number {
  if (at < offset || at >= offset + magic.length) return 0;
  return mask === null ? 0xff : (mask[at - offset] ?? 0);
}

/** The kernel accepts an extension with a dot, but compares only the part after the last dot of a path. */
export const neverMatches = (pattern: Pattern): boolean =>
  pattern.type === 'extension' && pattern.extension.includes('.');

const isSameExtension = (a: Pattern, b: Pattern): boolean =>
  a.type === 'extension' && b.type === 'extension' && a.extension === b.extension;
