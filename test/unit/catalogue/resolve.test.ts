import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../../../src/catalogue/nearest.ts';
import {
  archOfHeader,
  archPattern,
  emulatorsFor,
  findArch,
  findArches,
  findProfile,
  spellings,
} from '../../../src/catalogue/resolve.ts';
import { buildProbe } from '../../../src/elf/probe.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import { matches } from '../../../src/rule/match.ts';
import recommended from '../../fixtures/recommended-pairs.json' with { type: 'json' };

const catalogue = builtinCatalogue();
const arches = Object.values(catalogue.arches);

describe('the catalogue', () => {
  it.each(Object.entries(recommended))('has the recommended pair of %s', (id, pair) => {
    expect(catalogue.arches[id]).toMatchObject(pair);
  });

  it.each(arches.map((arch) => [arch.id, arch] as const))(
    'knows the probe of %s by its header',
    (id, arch) => {
      expect(archOfHeader(catalogue, buildProbe(arch.elf, arch.probe))?.id).toBe(id);
    },
  );

  it.each(arches.map((arch) => [arch.id, arch] as const))(
    'knows programs of %s whatever bytes 7 to 10 are',
    (id, arch) => {
      const head = buildProbe(arch.elf, arch.probe);
      head.set([0x61, 0x41, 0x49, 2], 7);
      expect(archOfHeader(catalogue, head)?.id).toBe(id);
    },
  );

  it.each(['aarch64', 'arm', 'i386', 'loongarch64', 'riscv64', 'x86_64'])(
    'has a rule for %s that takes AppImages',
    (id) => {
      const { elf, probe } = arches.find((arch) => arch.id === id) ?? expect.fail();
      for (const type of [1, 2]) {
        const head = buildProbe(elf, probe);
        head.set([0x41, 0x49, type], 8);
        expect(matches(archPattern(findArch(catalogue, id)), head, '')).toBe(true);
      }
    },
  );
});

describe('findArch', () => {
  it('finds an arch by every spelling, in upper and lower case', () => {
    const spelling = fc
      .constantFrom(...arches)
      .chain((arch) => fc.record({ id: fc.constant(arch.id), name: fc.constantFrom(...spellings(arch)) }));
    fc.assert(
      fc.property(spelling, fc.infiniteStream(fc.boolean()), ({ id, name }, upper) => {
        const mixed = [...name]
          .map((letter) => (upper.next().value ? letter.toUpperCase() : letter))
          .join('');
        expect(findArch(catalogue, ` ${mixed} `).id).toBe(id);
      }),
    );
  });

  it.each([
    ['arm64', 'aarch64'],
    ['linux/arm/v7', 'arm'],
    ['armhf', 'arm'],
    ['386', 'i386'],
    ['x86_64-linux-gnu', 'x86_64'],
    ['aarch64-unknown-linux-gnu', 'aarch64'],
    ['linux/amd64/v5', 'x86_64'],
    ['ppc64el', 'ppc64le'],
    ['linux/ppc64le', 'ppc64le'],
    ['loong64', 'loongarch64'],
  ])('maps %s to %s', (name, id) => {
    expect(findArch(catalogue, name).id).toBe(id);
  });

  it('suggests the nearest name for an unknown one', () => {
    expect(() => findArch(catalogue, 'arm46')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_ARCH', hint: 'did you mean arm64?' }),
    );
    expect(() => findArch(catalogue, 'qqqqqqqqqqqq')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('catalogue list') }),
    );
  });

  it('splits lists at commas, and returns each arch once', () => {
    const found = findArches(catalogue, ['arm64,linux/riscv64', 'aarch64', ' ']);
    expect(found.map(({ id }) => id)).toEqual(['aarch64', 'riscv64']);
  });
});

describe('findProfile', () => {
  it.each([
    ['qemu', 'emulator'],
    ['wine', 'format'],
    ['jar', 'format'],
    ['arm64', 'arch'],
  ])('finds %s, which is an %s', (name, kind) => {
    expect(findProfile(catalogue, name).kind).toBe(kind);
  });

  it.each(['constructor', '__proto__', 'toString'])('does not know %s', (name) => {
    expect(() => findProfile(catalogue, name)).toThrow('unknown architecture');
    expect(emulatorsFor(catalogue, name, 'x86_64')).toEqual([]);
  });
});

describe('nearest', () => {
  it('counts two swapped neighbours as one edit', () => {
    expect(nearest('amr64', ['arm64', 'amd64x'])).toBe('arm64');
  });

  it('returns null if no word is close', () => {
    expect(nearest('zzzz', ['arm64', 'mips'])).toBeNull();
  });
});
