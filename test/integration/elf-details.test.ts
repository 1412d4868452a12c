import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { readDetails } from '../../src/elf/details/details.ts';
import type { ElfDetails } from '../../src/elf/details/types.ts';
import { readelf } from './fixtures/readelf.ts';

const ARCHES = ['arm64', 'armel', 'armhf', 'hppa', 'i386', 'm68k', 'mips', 'mips64el', 'mipsn32', 'powerpc'];
const MORE = ['ppc64', 'ppc64el', 'riscv64', 's390x', 'sh4', 'sparc64', 'x32'];
const PACKAGES = [...ARCHES, ...MORE].map((arch) => `libc6-${arch}-cross`);

/** Names of readelf for e_flags, and ours. */
const ABI_NAMES: readonly (readonly [RegExp, string])[] = [
  [/Version5 EABI/, 'EABI5'],
  [/hard-float ABI/, 'hard-float'],
  [/soft-float ABI/, 'soft-float'],
  [/double-float ABI/, 'double-float'],
  [/\bRVC\b/, 'RVC'],
  [/\bo32\b/, 'o32'],
  [/\babi2\b/, 'n32'],
  [/\bmips32r2\b/, 'mips32r2'],
  [/\bmips64r2\b/, 'mips64r2'],
  [/\bnan2008\b/, 'nan2008'],
  [/\babiv1\b/, 'ELFv1'],
  [/\babiv2\b/, 'ELFv2'],
];

describe('the details of the C libraries of 17 architectures', () => {
  const files = unpackPackages(...PACKAGES).flatMap(elfFilesIn);
  const expected = readelf(files);

  it('are those that readelf prints', () => {
    expect(files.length).toBeGreaterThan(300);
    for (const file of files) {
      const { interpreter, needed, runpath, requiredVersions, minimumKernel, problems } = detailsOf(file);
      const versions = requiredVersions.flatMap(({ library, versions }) =>
        versions.map((each) => `${library} ${each}`),
      );
      const { flags, ...facts } = expected.get(file) ?? { flags: '' };
      expect({ file, interpreter, needed, runpath, versions, minimumKernel, problems }).toEqual({
        file,
        ...facts,
        problems: [],
      });
    }
  });

  it('name the same ABI as readelf', () => {
    for (const file of files) {
      const { abi } = detailsOf(file);
      const flags = expected.get(file)?.flags ?? '';
      const names = ABI_NAMES.filter(([word]) => word.test(flags)).map(([, name]) => name);
      expect({ file, flags, abi }).toEqual({ file, flags, abi: expect.arrayContaining(names) });
    }
  });
});

function detailsOf(path: string): ElfDetails {
  const file = openSync(path, 'r');
  try {
    return readDetails((offset, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    });
  } finally {
    closeSync(file);
  }
}

function elfFilesIn(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    .filter((path) => lstatSync(path).isFile() && isElfFile(path));
}

function isElfFile(path: string): boolean {
  const file = openSync(path, 'r');
  const bytes = Buffer.alloc(4);
  readSync(file, bytes, 0, 4, 0);
  closeSync(file);
  return bytes.toString('latin1') === '\x7fELF';
}
