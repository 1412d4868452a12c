import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProgramHeaders, encodeProgramHeaders, programHeaderSize } from '../../../src/elf/programs.ts';
import { layout, programHeader } from './arbitraries.ts';

describe('program headers', () => {
  it('are decoded as they were encoded, in every class and byte order', () => {
    const tables = layout.chain((layout) => fc.tuple(fc.constant(layout), fc.array(programHeader(layout))));
    fc.assert(
      fc.property(tables, ([layout, programs]) => {
        const bytes = encodeProgramHeaders(programs, layout);
        expect(bytes.length).toBe(programs.length * programHeaderSize(layout.class));
        expect(decodeProgramHeaders(bytes, layout)).toEqual(programs);
      }),
    );
  });

  it('have their flags as second field in class 64 and as seventh in class 32', () => {
    const fields = { offset: 0n, virtualAddress: 0n, physicalAddress: 0n, fileSize: 0n, memorySize: 0n };
    const program = { type: 1, flags: 5, align: 0n, ...fields };
    const at = (bits: 32 | 64) =>
      encodeProgramHeaders([program], { class: bits, byteOrder: 'little' }).indexOf(5);
    expect([at(64), at(32)]).toEqual([4, 24]);
  });

  it('are rejected if the last one is truncated', () => {
    expect(() => decodeProgramHeaders(new Uint8Array(55), { class: 64, byteOrder: 'little' })).toThrow(
      expect.objectContaining({ code: 'BAD_ELF' }),
    );
  });
});
