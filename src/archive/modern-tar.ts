/**
 * Rewrites old tar headers that the tar reader does not support. Unix V7 headers become POSIX ustar headers. Sparse files in GNU
 * tar's "Old GNU Format" become sparse files in its "PAX Format, Version 1.0". All other bytes pass unchanged, so later checks
 * see the whole archive.
 */
import { blockReader } from './tar-blocks.ts';

const BLOCK = 512;
/** The tar reader itself rejects longer extended headers. */
const MAX_EXTENDED = 4 * 1024 * 1024;
/** Extension headers of one sparse file, 21 pieces each: more than any file of a root file system needs. */
const MAX_EXTENSIONS = 10_000;

const MAX_OCTAL = 0o77777777777;

const TYPE = 156;
const MAGIC = 257;
const CHECKSUM = { at: 148, size: 8 };
const SIZE = { at: 124, size: 12 };
/** Old GNU format: pairs of offset and size, a flag for a following extension header, and the real size of the file. */
const SPARSE_HEADER = { at: 386, count: 4, extended: 482, size: 483 };
const SPARSE_EXTENSION = { at: 0, count: 21, extended: 504 };

interface Piece {
  readonly offset: number;
  readonly size: number;
}

/** Converts a tar archive to one without old headers. */
export async function* modernTar(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { next, pass, rest } = blockReader(bytes);
  let longName: string | null = null;
  let size: number | null = null;
  for (let header = await next(); header !== null; header = await next()) {
    const type = String.fromCharCode(header[TYPE] ?? 0);
    const stored = numberAt(header, SIZE);
    if (!isHeader(header) || stored === null) {
      yield header;
      // Two zero blocks end the archive. The tar reader reports any other invalid header.
      if (header.some((byte) => byte !== 0)) break;
      continue;
    }
    if ('xgLK'.includes(type) && stored <= MAX_EXTENDED) {
      const content = await readContent(next, stored);
      if (type === 'x') size = paxSize(content.subarray(0, stored)) ?? size;
      if (type === 'L') longName = textOf(content.subarray(0, stored));
      yield header;
      yield content;
      continue;
    }
    if (type === 'S') yield* sparseHeaders(header, longName, next);
    else yield isUstar(header) ? header : asUstar(header);
    // A directory has no data, even if its size is not 0.
    if (type !== '5') yield* pass(size ?? stored);
    longName = null;
    size = null;
  }
  yield* rest();
}

type NextBlock = () => Promise<Uint8Array | null>;

async function readContent(next: NextBlock, size: number): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < size; at += BLOCK) blocks.push((await next()) ?? new Uint8Array());
  return concat(blocks);
}

/** Yields the pax headers and the map of a sparse file. Its data follows in the archive and is the same in both formats. */
async function* sparseHeaders(
  header: Uint8Array,
  longName: string | null,
  next: NextBlock,
): AsyncGenerator<Uint8Array> {
  const pieces = piecesIn(header, SPARSE_HEADER);
  const realSize = numberAt(header, { at: SPARSE_HEADER.size, size: 12 }) ?? 0;
  let isExtended = header[SPARSE_HEADER.extended] === 1;
  for (let count = 0; isExtended && count < MAX_EXTENSIONS; count++) {
    const more = (await next()) ?? new Uint8Array(BLOCK);
    pieces.push(...piecesIn(more, SPARSE_EXTENSION));
    isExtended = more[SPARSE_EXTENSION.extended] === 1;
  }
  const numbers = [pieces.length, ...pieces.flatMap(({ offset, size }) => [offset, size])];
  const map = padded(encode(numbers.map((number) => `${number}\n`).join('')));
  const name = longName ?? textOf(header.subarray(0, 100));
  const records = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', name],
    ['GNU.sparse.realsize', String(realSize)],
    ['size', String(map.length + (numberAt(header, SIZE) ?? 0))],
  ] as const;
  const extended = concat(records.map(([key, value]) => paxRecord(key, value)));
  yield headerFrom(header, 'x', extended.length);
  yield padded(extended);
  yield headerFrom(header, '0', map.length + (numberAt(header, SIZE) ?? 0));
  yield map;
}

function piecesIn(block: Uint8Array, { at, count }: { at: number; count: number }): Piece[] {
  return Array.from({ length: count }, (_, index) => at + index * 24)
    .filter((start) => (block[start] ?? 0) !== 0)
    .map((start) => ({
      offset: numberAt(block, { at: start, size: 12 }) ?? 0,
      size: numberAt(block, { at: start + 12, size: 12 }) ?? 0,
    }));
}

/** Converts a Unix V7 header, which ends after 257 bytes. It marks a directory by a slash at the end of the name. */
function asUstar(header: Uint8Array): Uint8Array {
  const type = String.fromCharCode(header[TYPE] ?? 0);
  const isDirectory = '\x000'.includes(type) && textOf(header.subarray(0, 100)).endsWith('/');
  return headerFrom(header, isDirectory ? '5' : type, null);
}

/** Makes a ustar header with the name, owner, mode, time and link of `header`, and with its size if `size` is null. */
function headerFrom(header: Uint8Array, type: string, size: number | null): Uint8Array {
  const made = new Uint8Array(BLOCK);
  made.set(header.subarray(0, MAGIC));
  // The extended header has the size of a larger file.
  if (size !== null)
    made.set(encode(`${Math.min(size, MAX_OCTAL).toString(8).padStart(11, '0')}\0`), SIZE.at);
  made[TYPE] = type.charCodeAt(0);
  made.set(encode('ustar\x0000'), MAGIC);
  made.set(encode(`${sumOf(made).toString(8).padStart(6, '0')}\0 `), CHECKSUM.at);
  return made;
}

const isUstar = (header: Uint8Array): boolean => textOf(header.subarray(MAGIC, MAGIC + 5)) === 'ustar';

function isHeader(header: Uint8Array): boolean {
  return header.length === BLOCK && numberAt(header, CHECKSUM) === sumOf(header);
}

const sumOf = (header: Uint8Array): number =>
  header.reduce(
    (sum, byte, index) => sum + (index >= CHECKSUM.at && index < CHECKSUM.at + CHECKSUM.size ? 0x20 : byte),
    0,
  );

/** Reads an octal number, or a base-256 number if the highest bit is set; null if it is neither. */
function numberAt(block: Uint8Array, { at, size }: { at: number; size: number }): number | null {
  const field = block.subarray(at, at + size);
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((all, byte) => all * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : null;
  }
  const [, digits] = /^[ \0]*([0-7]*)(?:[ \0]|$)/.exec(String.fromCharCode(...field)) ?? [];
  return digits === undefined ? null : Number.parseInt(digits || '0', 8);
}

function paxSize(records: Uint8Array): number | null {
  const [, digits] = /(?:^|\n)\d+ size=(\d+)\n/.exec(textOf(records)) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** `LENGTH KEY=VALUE` and a newline. LENGTH is that of the whole record, including its digits. */
function paxRecord(key: string, value: string): Uint8Array {
  const body = encode(` ${key}=${value}\n`);
  let length = body.length;
  while (length !== body.length + String(length).length) length = body.length + String(length).length;
  return concat([encode(String(length)), body]);
}

/** Encodes text as Latin-1. */
const encode = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Array.from(end < 0 ? bytes : bytes.subarray(0, end), (byte) => String.fromCharCode(byte)).join('');
}

const padded = (bytes: Uint8Array): Uint8Array =>
  concat([bytes, new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
