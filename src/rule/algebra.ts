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
  if (a.type === 'magic' && b.type === 'magic') {
    return positions(a).every(
      (at) => (maskAt(a, at) & maskAt(b, at) & (magicAt(a, at) ^ magicAt(b, at))) === 0,
    );
  }
  if (neverMatches(a) || neverMatches(b)) return false;
  return a.type !== b.type || isSameExtension(a, b);
}

/** Whether every file that matches `b` matches `a` too. */
export function covers(a: Pattern, b: Pattern): boolean {
  if (neverMatches(b)) return true;
  if (a.type === 'extension') return isSameExtension(a, b);
  return positions(a).every((at) => {
    const free = b.type === 'magic' ? ~maskAt(b, at) | (magicAt(a, at) ^ magicAt(b, at)) : 0xff;
    return (maskAt(a, at) & free) === 0;
  });
}

/** Whether both mean the same: bits outside the mask do not count, and no mask is a mask of all ff. */
export function equalPatterns(a: Pattern, b: Pattern): boolean {
  if (a.type === 'extension' || b.type === 'extension') return isSameExtension(a, b);
  return covers(a, b) && covers(b, a);
}

/** Indexes in the file of the bytes that a pattern compares. */
const positions = ({ offset, magic }: MagicPattern): number[] =>
  Array.from(magic, (_, index) => offset + index);

const magicAt = ({ offset, magic }: MagicPattern, at: number): number => magic[at - offset] ?? 0;

/** Bits that count at a byte of the file; none outside the magic. */
function maskAt({ offset, magic, mask }: MagicPattern, at: number): number {
  if (at < offset || at >= offset + magic.length) return 0;
  return mask === null ? 0xff : (mask[at - offset] ?? 0);
}

/** The kernel takes an extension with a dot but looks only after the last dot of a path. */
const neverMatches = (pattern: Pattern): boolean =>
  pattern.type === 'extension' && pattern.extension.includes('.');

const isSameExtension = (a: Pattern, b: Pattern): boolean =>
  a.type === 'extension' && b.type === 'extension' && a.extension === b.extension;
