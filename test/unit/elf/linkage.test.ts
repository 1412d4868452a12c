import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHeader, headerSize } from '../../../src/elf/header.ts';
import { type ReadAt, readLinkage } from '../../../src/elf/linkage.ts';
import {
  encodeProgramHeaders,
  PT_DYNAMIC,
  PT_INTERP,
  PT_LOAD,
  programHeaderSize,
} from '../../../src/elf/programs.ts';
import type { ElfHeader, ProgramHeader } from '../../../src/elf/types.ts';
import { header as anyHeader, layout as anyLayout, programHeader } from './arbitraries.ts';

const HEADER: ElfHeader = {
  class: 64,
  byteOrder: 'little',
  machine: 62,
  osAbi: 0,
  abiVersion: 0,
  type: 3,
  version: 1,
  entry: 0x1000n,
  programHeaderOffset: 64n,
  sectionHeaderOffset: 0n,
  flags: 0,
  headerSize: 64,
  programHeaderSize: 56,
  programHeaderCount: 0,
  sectionHeaderSize: 0,
  sectionHeaderCount: 0,
  sectionNamesIndex: 0,
};

const program = (type: number, offset = 0n, fileSize = 0n): ProgramHeader => ({
  type,
  offset,
  fileSize,
  flags: 4,
  virtualAddress: 0n,
  physicalAddress: 0n,
  memorySize: 0n,
  align: 1n,
});

interface Parts {
  readonly header?: Partial<ElfHeader>;
  readonly programs?: readonly ProgramHeader[];
  /** Bytes at a place of the file. */
  readonly at?: number;
  readonly data?: string | Uint8Array;
}

function file({ header = {}, programs = [], at = 1000, data = '' }: Parts): Uint8Array {
  const whole = { ...HEADER, programHeaderCount: programs.length, ...header };
  const tableAt = Number(whole.programHeaderOffset);
  const table = encodeProgramHeaders(programs, whole);
  const bytes = new Uint8Array(Math.max(tableAt + table.length, at + data.length));
  bytes.set(Buffer.from(data), at);
  bytes.set(table, tableAt);
  bytes.set(encodeHeader(whole));
  return bytes;
}

/** Reads from memory and records each read. */
function readerOf(bytes: Uint8Array) {
  const reads: [number, number][] = [];
  const read: ReadAt = async (offset, length) => {
    reads.push([offset, length]);
    return bytes.subarray(offset, offset + length);
  };
  return { read, reads };
}

const linkage = (parts: Parts) => readLinkage(readerOf(file(parts)).read);
const badElf = expect.objectContaining({ code: 'BAD_ELF' });
const LOADER = '/lib64/ld-linux-x86-64.so.2\0';
const interp = (at: number) => [program(PT_LOAD), program(PT_INTERP, BigInt(at), BigInt(LOADER.length))];

describe('linkage', () => {
  it('of a program with PT_INTERP is dynamic', async () => {
    expect(await linkage({ programs: interp(1000), data: LOADER })).toMatchObject({
      interpreter: '/lib64/ld-linux-x86-64.so.2',
      static: false,
      header: { machine: 62 },
    });
  });

  it.each([
    ['a static program', [program(PT_LOAD)]],
    ['a static-pie', [program(PT_LOAD), program(PT_DYNAMIC)]],
    ['a file without program headers', []],
  ])('of %s is static', async (_, programs) => {
    expect(await linkage({ programs })).toMatchObject({ interpreter: null, static: true });
  });

  it('takes the first PT_INTERP, as the kernel does', async () => {
    const programs = [program(PT_INTERP, 1000n, 3n), program(PT_INTERP, 1003n, 3n)];
    expect(await linkage({ programs, data: '/a\0/b\0' })).toHaveProperty('interpreter', '/a');
  });

  it('needs one read if everything is near the start', async () => {
    const { read, reads } = readerOf(file({ programs: interp(1000), data: LOADER }));
    await readLinkage(read);
    expect(reads).toEqual([[0, 4096]]);
  });

  it('reads only the necessary parts of a large file', async () => {
    const header = { programHeaderOffset: 100_000n };
    const { read, reads } = readerOf(file({ header, programs: interp(200_000), at: 200_000, data: LOADER }));
    expect(await readLinkage(read)).toHaveProperty('static', false);
    expect(reads).toEqual([
      [0, 4096],
      [100_000, 112],
      [200_000, LOADER.length],
    ]);
  });

  it.each<[string, Parts]>([
    ['the table lies behind the end', { header: { programHeaderOffset: 5000n, programHeaderCount: 1 } }],
    ['the table is truncated', { header: { programHeaderCount: 1000 } }],
    [
      'the table lies beyond what a file can be',
      { header: { programHeaderOffset: 2n ** 64n - 1n, programHeaderCount: 1 } },
    ],
    ['there are 65535 program headers', { header: { programHeaderCount: 65535 } }],
    [
      'program headers have another size',
      { programs: interp(1000), data: LOADER, header: { programHeaderSize: 57 } },
    ],
    [
      'program headers have no size',
      { programs: interp(1000), data: LOADER, header: { programHeaderSize: 0 } },
    ],
    ['the interpreter lies behind the end', { programs: [program(PT_INTERP, 2n ** 63n, 10n)] }],
    ['the interpreter is truncated', { programs: interp(1000), data: '/lib\0' }],
    ['the interpreter is empty', { programs: [program(PT_INTERP, 1000n, 1n)], data: '\0' }],
    ['the interpreter is longer than a path', { programs: [program(PT_INTERP, 0n, 4097n)], at: 9000 }],
    ['the interpreter has the largest size', { programs: [program(PT_INTERP, 0n, 2n ** 64n - 1n)] }],
    ['the interpreter does not end in NUL', { programs: [program(PT_INTERP, 1000n, 2n)], data: '/lib' }],
    [
      'the interpreter is no UTF-8',
      { programs: [program(PT_INTERP, 1000n, 3n)], data: Uint8Array.of(0x2f, 0xff, 0) },
    ],
  ])('is rejected if %s', async (_, parts) => {
    // Long enough for the header, too short for its tables.
    if (parts.header?.programHeaderOffset !== undefined) {
      const { read } = readerOf(encodeHeader({ ...HEADER, ...parts.header }));
      await expect(readLinkage(read)).rejects.toEqual(badElf);
    } else {
      await expect(linkage(parts)).rejects.toEqual(badElf);
    }
  });

  it('reads at most 72 KiB in three reads, and throws only NOT_ELF and BAD_ELF', async () => {
    const nearlyValid = anyLayout.chain((layout) =>
      fc.record({
        header: fc.record({
          class: fc.constant(layout.class),
          byteOrder: fc.constant(layout.byteOrder),
          headerSize: fc.constant(headerSize(layout.class)),
          programHeaderSize: fc.constant(programHeaderSize(layout.class)),
          programHeaderCount: fc.oneof(fc.nat(4), fc.nat(0xffff)),
          programHeaderOffset: fc.bigInt({ min: 0n, max: 200n }),
        }),
        programs: fc.array(
          fc
            .tuple(programHeader(layout), fc.constantFrom(PT_INTERP, PT_LOAD), fc.nat(5000), fc.nat(300))
            .map(([any, type, offset, size]) => ({
              ...any,
              type,
              offset: BigInt(offset),
              fileSize: BigInt(size),
            })),
          { maxLength: 4 },
        ),
      }),
    );
    const mutated = fc
      .tuple(nearlyValid, fc.nat(), fc.uint8Array({ maxLength: 3 }))
      .map(([parts, at, bytes]) => {
        const whole = file(parts);
        whole.set(bytes, Math.min(at % whole.length, whole.length - bytes.length));
        return whole;
      });
    const files = fc.oneof(fc.uint8Array(), anyHeader.map(encodeHeader), nearlyValid.map(file), mutated);
    await fc.assert(
      fc.asyncProperty(files, async (bytes) => {
        const { read, reads } = readerOf(bytes);
        const result = await readLinkage(read).catch((error: { code?: string }) => error.code);
        if (typeof result === 'string' || result === undefined)
          expect(['NOT_ELF', 'BAD_ELF']).toContain(result);
        expect(reads.length).toBeLessThanOrEqual(3);
        expect(reads.reduce((sum, [, length]) => sum + length, 0)).toBeLessThanOrEqual(72 * 1024);
      }),
      { numRuns: 1000 },
    );
  });
});
