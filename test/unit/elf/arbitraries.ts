/** Random ELF structures of every class and byte order. */
import fc from 'fast-check';
import type { Layout } from '../../../src/elf/fields.ts';
import type { ElfHeader, ProgramHeader } from '../../../src/elf/types.ts';

const half = fc.nat(0xffff);
const word = fc.nat(0xffffffff);
const byte = fc.nat(0xff);
const address = (layout: Layout) => fc.bigInt({ min: 0n, max: 2n ** BigInt(layout.class) - 1n });

export const layout: fc.Arbitrary<Layout> = fc.record({
  class: fc.constantFrom(32 as const, 64 as const),
  byteOrder: fc.constantFrom('little' as const, 'big' as const),
});

export const header: fc.Arbitrary<ElfHeader> = layout.chain((layout) =>
  fc.record({
    class: fc.constant(layout.class),
    byteOrder: fc.constant(layout.byteOrder),
    machine: half,
    osAbi: byte,
    abiVersion: byte,
    type: half,
    version: word,
    entry: address(layout),
    programHeaderOffset: address(layout),
    sectionHeaderOffset: address(layout),
    flags: word,
    headerSize: half,
    programHeaderSize: half,
    programHeaderCount: half,
    sectionHeaderSize: half,
    sectionHeaderCount: half,
    sectionNamesIndex: half,
  }),
);

export const programHeader = (layout: Layout): fc.Arbitrary<ProgramHeader> =>
  fc.record({
    type: word,
    flags: word,
    offset: address(layout),
    virtualAddress: address(layout),
    physicalAddress: address(layout),
    fileSize: address(layout),
    memorySize: address(layout),
    align: address(layout),
  });
