import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, headerSize } from '../../../src/elf/header.ts';
import { ISAS } from '../../../src/elf/isa/index.ts';
import { buildProbe } from '../../../src/elf/probe.ts';
import { decodeProgramHeaders, PT_LOAD, programHeaderSize } from '../../../src/elf/programs.ts';
import type { ElfIdentity, ProbeSpec } from '../../../src/elf/types.ts';
import { identitiesOf } from './identities.ts';

const SYSCALLS = { read: 3, write: 4, geteuid: 201, exit: 1, readlink: 85 };
const AARCH64: ElfIdentity = { class: 64, byteOrder: 'little', machine: 183 };

const spec = (isa: string, syscalls: ProbeSpec['syscalls'] = SYSCALLS): ProbeSpec => ({ isa, syscalls });
const programsOf = (bytes: Uint8Array, identity: ElfIdentity) => {
  const start = headerSize(identity.class);
  return decodeProgramHeaders(bytes.subarray(start, start + 3 * programHeaderSize(identity.class)), identity);
};

describe.each([...ISAS.keys()])('a probe of %s', (isa) => {
  const probes = identitiesOf(isa).map((identity) => ({ identity, bytes: buildProbe(identity, spec(isa)) }));

  it('is a static executable of a few hundred bytes with the requested identity', () => {
    for (const { identity, bytes } of probes) {
      expect(bytes.length).toBeLessThan(512);
      expect(decodeHeader(bytes)).toMatchObject({ ...identity, type: 2, version: 1, programHeaderCount: 3 });
    }
  });

  it('has its entry point at an instruction of its executable segment', () => {
    for (const { identity, bytes } of probes) {
      const { entry } = decodeHeader(bytes);
      const code = programsOf(bytes, identity).find(({ type }) => type === PT_LOAD);
      expect(code).toMatchObject({ type: PT_LOAD, flags: 5, offset: 0n, fileSize: BigInt(bytes.length) });
      expect(entry).toBeGreaterThan(code?.virtualAddress ?? 0n);
      expect(entry).toBeLessThan((code?.virtualAddress ?? 0n) + BigInt(bytes.length));
      expect(entry % 4n).toBe(0n);
    }
  });

  it('has equal physical and virtual addresses, because Box64 maps segments by the former', () => {
    for (const { identity, bytes } of probes) {
      const segments = programsOf(bytes, identity).filter(({ type }) => type === PT_LOAD);
      expect(segments).toHaveLength(2);
      for (const { physicalAddress, virtualAddress } of segments)
        expect(physicalAddress).toBe(virtualAddress);
    }
  });

  it('has the `)` that stops a shell before any other shell syntax', () => {
    for (const { bytes } of probes) {
      const text = Buffer.from(bytes).toString('latin1');
      expect(text.search(/[()'"`;&|<>\n#$\\]/)).toBe(text.indexOf(')'));
    }
  });

  it('can be mapped with pages of 4 to 64 KiB: congruent offsets, no page shared by code and data', () => {
    for (const { identity, bytes } of probes) {
      const [code, data] = programsOf(bytes, identity).filter(({ type }) => type === PT_LOAD);
      for (const program of [code, data])
        expect((program?.virtualAddress ?? 1n) % 0x10000n).toBe(program?.offset);
      expect(data?.flags).toBe(6);
      expect((data?.virtualAddress ?? 0n) / 0x10000n).toBeGreaterThan(
        (code?.virtualAddress ?? 0n) / 0x10000n,
      );
    }
  });
});

describe('buildProbe', () => {
  it('uses the flags of the profile, or 0', () => {
    const mips: ElfIdentity = { class: 32, byteOrder: 'big', machine: 8 };
    expect(decodeHeader(buildProbe(mips, { ...spec('mips'), flags: 0x20000020 })).flags).toBe(0x20000020);
    expect(decodeHeader(buildProbe(mips, spec('mips'))).flags).toBe(0);
  });

  it('uses readlinkat for an arch without readlink', () => {
    const { readlink, ...others } = SYSCALLS;
    const bytes = buildProbe(AARCH64, spec('aarch64', { ...others, readlinkat: 78 }));
    expect(bytes.length).toBeGreaterThan(buildProbe(AARCH64, spec('aarch64')).length);
    expect(() => buildProbe(AARCH64, spec('aarch64', others))).toThrow(
      expect.objectContaining({ code: 'BAD_PROFILE', message: expect.stringContaining('readlink') }),
    );
  });

  it.each(['', 'z80', 'toString', '__proto__'])('rejects the unknown instruction set "%s"', (isa) => {
    expect(() => buildProbe(AARCH64, spec(isa))).toThrow(
      expect.objectContaining({ code: 'BAD_PROFILE', hint: expect.stringContaining('aarch64') }),
    );
  });

  it.each([-1, 0.5, 2 ** 23, Number.NaN])('rejects %s as a system call number', (write) => {
    expect(() => buildProbe(AARCH64, spec('aarch64', { ...SYSCALLS, write }))).toThrow(
      expect.objectContaining({ code: 'BAD_PROFILE', message: expect.stringContaining(String(write)) }),
    );
  });

  it('returns a file or throws BAD_PROFILE for any profile', () => {
    const syscalls = fc.record({
      read: fc.integer(),
      write: fc.nat(9999),
      geteuid: fc.nat(9999),
      exit: fc.nat(9999),
      readlink: fc.option(fc.nat(9999), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.constantFrom(...ISAS.keys(), 'none'), syscalls, (isa, syscalls) => {
        try {
          expect(buildProbe(AARCH64, { isa, syscalls }).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_PROFILE' });
        }
      }),
    );
  });
});
