/**
 * Reads and writes the fields of ELF structures in sequence. A half has 2 bytes and a word 4. An address, offset or extended word
 * has 4 bytes in class 32 and 8 in class 64.
 */
import { BinfmtctlError } from '../errors.ts';
import type { ByteOrder, ElfClass } from './types.ts';

export interface Layout {
  readonly class: ElfClass;
  readonly byteOrder: ByteOrder;
}

export interface FieldReader {
  half(): number;
  word(): number;
  address(): bigint;
}

export interface FieldWriter {
  half(value: number): void;
  word(value: number): void;
  address(value: bigint): void;
}

/** Reads from `offset`. The caller ensures that `bytes` is long enough. */
export function fieldReader(bytes: Uint8Array, offset: number, layout: Layout): FieldReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = layout.byteOrder === 'little';
  let at = offset;
  const advance = (size: number) => {
    at += size;
    return at - size;
  };
  const half = () => view.getUint16(advance(2), little);
  const word = () => view.getUint32(advance(4), little);
  const address = () => (layout.class === 32 ? BigInt(word()) : view.getBigUint64(advance(8), little));
  return { half, word, address };
}

/** Writes from `offset`. @throws BAD_ELF for a value that does not fit, which a DataView would wrap. */
export function fieldWriter(bytes: Uint8Array, offset: number, layout: Layout): FieldWriter {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = layout.byteOrder === 'little';
  let at = offset;
  const advance = (value: number | bigint, size: number) => {
    requireFit(value, size);
    at += size;
    return at - size;
  };
  const half = (value: number) => view.setUint16(advance(value, 2), value, little);
  const word = (value: number) => view.setUint32(advance(value, 4), value, little);
  const address = (value: bigint) => {
    if (layout.class === 32) view.setUint32(advance(value, 4), Number(value), little);
    else view.setBigUint64(advance(value, 8), value, little);
  };
  return { half, word, address };
}

/** @throws BAD_ELF unless `value` is an unsigned integer that fits in `size` bytes. */
export function requireFit(value: number | bigint, size: number): void {
  const whole = typeof value === 'bigint' || Number.isInteger(value);
  if (whole && value >= 0 && value < 2n ** BigInt(8 * size)) return;
  throw new BinfmtctlError('BAD_ELF', `${value} does not fit in an ELF field of ${size} bytes`);
}
