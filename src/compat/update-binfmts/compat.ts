/** Matches files like update-binfmts 2.2.2, which differs from the kernel. */
import type { Description } from '../../file-format/binfmt-support.ts';
import { decodeText, encodeText } from '../../rule/text.ts';

/** The number of bytes of a file that a description examines. */
export const sizeCompat = ({ type, offset, magic }: Description): number =>
  type === 'magic' ? startOf(offset) + decodeEscapes(magic).length : 0;

const startOf = (offset: string): number => Number.parseInt(offset, 10) || 0;

/**
 * Whether a description matches a file with these first bytes. Magic bits outside the mask never match, so
 * QEMU's entries for i386, x86_64, alpha and m68k match nothing. A mask that begins with a zero byte is ignored. A mask
 * whose length differs from that of the magic matches nothing; this also holds for extensions, which are unescaped like a magic.
 */
export function matchesCompat(
  { type, offset, magic, mask }: Description,
  path: string,
  head: Uint8Array,
): boolean {
  const magicBytes = decodeEscapes(magic);
  const bits = decodeEscapes(mask);
  if (mask !== '' && bits.length !== magicBytes.length) return false;
  if (type !== 'magic') {
    const dot = path.lastIndexOf('.');
    return dot !== -1 && path.slice(dot + 1) === decodeText(untilNul(magicBytes));
  }
  const isMasked = mask !== '' && bits[0] !== 0;
  const start = startOf(offset);
  return magicBytes.every((byte, index) => {
    const found = head[start + index] ?? 0;
    return (isMasked ? found & (bits[index] ?? 0) : found) === byte;
  });
}

/** The bytes that strcmp(3) compares. */
const untilNul = (bytes: Uint8Array): Uint8Array => {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
};

/** Decodes `\xHH` like strtol(3) with two characters, which may include blanks and a sign. Anything else is literal. */
function decodeEscapes(text: string): Uint8Array {
  const bytes = encodeText(text);
  const decoded: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const value = escapeAt(bytes.subarray(at, at + 4));
    decoded.push(value ?? bytes[at] ?? 0);
    if (value !== null) at += 3;
  }
  return Uint8Array.from(decoded);
}

function escapeAt(bytes: Uint8Array): number | null {
  const [, sign, digits] =
    /^\\x[ \t\v\f\r]*([+-]?)([0-9a-f]{1,2})$/i.exec(String.fromCharCode(...bytes)) ?? [];
  if (digits === undefined || bytes.length < 4) return null;
  const value = Number.parseInt(digits, 16);
  return (sign === '-' ? -value : value) & 0xff;
}
