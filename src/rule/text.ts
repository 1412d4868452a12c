/**
 * Byte strings of the kernel ↔ text, without loss: valid UTF-8 is decoded, every other byte 0x80-0xff becomes the lone
 * surrogate U+DC80-U+DCFF (Python's PEP 383).
 */
import { BinfmtctlError } from '../errors.ts';

const BAD_BYTE = 0xdc00;
const LONE_SURROGATE = /\p{Surrogate}/u;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function decodeText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes('\ufffd') ? decodeBroken(bytes) : text;
}

/** Throws BAD_RULE for a lone surrogate outside U+DC80-U+DCFF, which represents no byte. */
export function encodeText(text: string): Uint8Array {
  if (!LONE_SURROGATE.test(text)) return encoder.encode(text);
  return Uint8Array.from(Array.from(text).flatMap(encodeCharacter));
}

/**
 * Decodes one sequence at a time; the result is a replacement character if the sequence is invalid or is that
 * character.
 */
function decodeBroken(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const sequence = bytes.subarray(at, at + sequenceLength(first));
    const character = decoder.decode(sequence);
    const valid = !character.includes('\ufffd') || isReplacement(sequence);
    parts.push(valid ? character : String.fromCharCode(BAD_BYTE + first));
    at += valid ? sequence.length : 1;
  }
  return parts.join('');
}

/** Length of a UTF-8 sequence by its first byte; 1 for an invalid first byte. */
function sequenceLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

const isReplacement = ([a, b, c]: Uint8Array): boolean => a === 0xef && b === 0xbf && c === 0xbd;

function encodeCharacter(character: string): number[] {
  if (!LONE_SURROGATE.test(character)) return [...encoder.encode(character)];
  const byte = character.charCodeAt(0) - BAD_BYTE;
  if (byte >= 0x80 && byte <= 0xff) return [byte];
  throw new BinfmtctlError('BAD_RULE', `invalid text: lone surrogate ${JSON.stringify(character)}`);
}
