/**
 * The `\xHH` escapes of magic and mask. The kernel scans a field for its end, then decodes it, with different rules:
 * see scanEscaped and decodeEscaped (fs/binfmt_misc.c scanarg(); lib/string_helpers.c string_unescape() with
 * UNESCAPE_HEX).
 */
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/**
 * Returns the index of the delimiter that ends the field at `start`. Every `\x` must be followed by two hex digits,
 * which are skipped even if they equal the delimiter. Null if they are not hex digits, or if there is no delimiter.
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
 * Decodes a scanned field up to its first raw NUL. `\xHH` is a byte; a backslash before anything else is literal,
 * together with the next byte: `\\x41` is five bytes.
 */
export function decodeEscaped(field: Uint8Array): Uint8Array {
  const nul = field.indexOf(0);
  const text = nul === -1 ? field : field.subarray(0, nul);
  const decoded = new Uint8Array(text.length);
  let size = 0;
  for (let at = 0; at < text.length; at++) {
    const isEscape = text[at] === BACKSLASH && at + 1 < text.length;
    const byte = isEscape && text[at + 1] === LETTER_X ? hexByte(text, at + 2) : null;
    decoded[size++] = byte ?? text[at] ?? 0;
    if (!isEscape) continue;
    if (byte === null) decoded[size++] = text[at + 1] ?? 0;
    at += byte === null ? 1 : 3;
  }
  return decoded.slice(0, size);
}

/** Escapes every byte that is not `isLiteral`, which must be false for NUL, backslash and the delimiter. */
export function encodeEscaped(bytes: Uint8Array, isLiteral: (byte: number) => boolean): Uint8Array {
  const encoded = new Uint8Array(4 * bytes.length);
  let size = 0;
  for (const byte of bytes) {
    if (isLiteral(byte)) encoded[size++] = byte;
    else {
      encoded.set([BACKSLASH, LETTER_X, hexDigit(byte >> 4), hexDigit(byte & 0xf)], size);
      size += 4;
    }
  }
  return encoded.slice(0, size);
}

const hexDigit = (value: number): number => '0123456789abcdef'.charCodeAt(value);

function hexByte(bytes: Uint8Array, at: number): number | null {
  const [high, low] = [hexValue(bytes[at]), hexValue(bytes[at + 1])];
  return high === null || low === null ? null : (high << 4) | low;
}

/** Value of a hex digit in either case. */
function hexValue(character = 0): number | null {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(character).toLowerCase());
  return value === -1 ? null : value;
}
