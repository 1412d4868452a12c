/**
 * The `\xHH` escapes of magic and mask. The kernel scans a field for its end and then decodes it, and the two
 * disagree: see scanEscaped and decodeEscaped (fs/binfmt_misc.c scanarg(); lib/string_helpers.c string_unescape()
 * with UNESCAPE_HEX).
 */
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/**
 * Where the field that starts at `start` ends: the index of its delimiter. Every backslash directly followed by
 * `x` must be followed by two hex digits, which are skipped even when they equal the delimiter. Null when they
 * are not hex digits or no delimiter comes.
 */
export function scanEscaped(bytes: Uint8Array, start: number, delimiter: number): number | null {
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === delimiter) return at;
    if (bytes[at] !== BACKSLASH || bytes[at + 1] !== LETTER_X) continue;
    if (hexByte(bytes, at + 2) === null) return null;
    at += 3;
  }
  return null;
}

/**
 * What a scanned field stands for. It ends at its first raw NUL. `\xHH` is a byte; a backslash before anything else
 * is literal, and so is what follows it: `\\x41` is five bytes.
 */
export function decodeEscaped(field: Uint8Array): Uint8Array {
  const nul = field.indexOf(0);
  const text = nul === -1 ? field : field.subarray(0, nul);
  const decoded: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const isEscape = text[at] === BACKSLASH && at + 1 < text.length;
    const byte = isEscape && text[at + 1] === LETTER_X ? hexByte(text, at + 2) : null;
    if (byte !== null) decoded.push(byte);
    else decoded.push(...text.subarray(at, isEscape ? at + 2 : at + 1));
    if (isEscape) at += byte === null ? 1 : 3;
  }
  return Uint8Array.from(decoded);
}

/** Escapes every byte that is not `isLiteral`; NUL, backslash and the delimiter must not be. */
export function encodeEscaped(bytes: Uint8Array, isLiteral: (byte: number) => boolean): Uint8Array {
  const encoded = Array.from(bytes).flatMap((byte) => (isLiteral(byte) ? [byte] : escapeByte(byte)));
  return Uint8Array.from(encoded);
}

const escapeByte = (byte: number): number[] => [
  BACKSLASH,
  LETTER_X,
  hexDigit(byte >> 4),
  hexDigit(byte & 0xf),
];

const hexDigit = (value: number): number => '0123456789abcdef'.charCodeAt(value);

function hexByte(bytes: Uint8Array, at: number): number | null {
  const digits = String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0);
  return /^[0-9a-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : null;
}
