import { describe, expect, it } from 'vitest';
import { listPlatforms } from '../../../src/catalogue/platforms.ts';
import { findArches } from '../../../src/catalogue/resolve.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';

const V2 = 'fpu pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm';
const V3 = `${V2} fma movbe xsave avx f16c abm bmi1 avx2 bmi2`;
const V4 = `${V3} avx512f avx512dq avx512cd avx512bw avx512vl`;

const list = (natives: string, emulated: string, flags = ''): readonly string[] =>
  listPlatforms(
    findArches(builtinCatalogue(), [natives]),
    emulated === '' ? [] : findArches(builtinCatalogue(), [emulated]),
    flags.split(' '),
  );

describe('listPlatforms', () => {
  it('has the order of BuildKit for any order of registration', () => {
    const expected = [
      ...['linux/amd64', 'linux/arm64', 'linux/riscv64', 'linux/ppc64le', 'linux/s390x', 'linux/386'],
      ...['linux/mips64le', 'linux/loong64', 'linux/arm/v7', 'linux/arm/v6'],
    ];
    const emulated = 'arm,loongarch64,s390x,ppc64le,riscv64,aarch64,mips64el';
    expect(list('x86_64,i386', emulated)).toEqual(expected);
    expect(list('x86_64,i386', emulated.split(',').toReversed().join(','))).toEqual(expected);
  });

  it('begins with the native platform', () => {
    expect(list('aarch64,arm', 'x86_64,i386', V3)).toEqual([
      ...['linux/arm64', 'linux/amd64', 'linux/386', 'linux/arm/v7', 'linux/arm/v6'],
    ]);
  });

  it.each([
    ['fpu', []],
    [V2, ['v2']],
    [V3, ['v2', 'v3']],
    [V4, ['v2', 'v3', 'v4']],
    [V4.replace('avx2 ', ''), ['v2']],
  ])('has the amd64 variants of a processor with %s', (flags, levels) => {
    expect(list('x86_64', 'aarch64', flags)).toEqual([
      'linux/amd64',
      ...levels.map((level) => `linux/amd64/${level}`),
      'linux/arm64',
    ]);
  });
});
