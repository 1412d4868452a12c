import { describe, expect, it } from 'vitest';
import { displayName } from '../../../src/catalogue/display-name.ts';
import { findArch } from '../../../src/catalogue/resolve.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';

const catalogue = builtinCatalogue();
const nameOf = (id: string): string => displayName(findArch(catalogue, id));

describe('the name of an architecture for people', () => {
  it.each([
    ['aarch64', 'arm64'],
    ['x86_64', 'amd64'],
    ['i386', 'i386'],
    ['arm', 'arm'],
    ['ppc64le', 'ppc64le'],
    ['loongarch64', 'loong64'],
    ['mips64el', 'mips64el'],
    ['riscv64', 'riscv64'],
    ['s390x', 's390x'],
    ['sparc32plus', 'sparc32plus'],
  ])('of %s is %s, as Docker and Debian have it', (id, name) => {
    expect(nameOf(id)).toBe(name);
  });

  it('is a spelling of that very architecture, and of no other', () => {
    const names = Object.keys(catalogue.arches).map((id) => [id, nameOf(id)] as const);
    for (const [id, name] of names) expect(findArch(catalogue, name).id).toBe(id);
    expect(new Set(names.map(([, name]) => name)).size).toBe(names.length);
  });
});
