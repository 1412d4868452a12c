import { describe, expect, it } from 'vitest';
import type { EmulatorProfile } from '../../../src/catalogue/types.ts';
import { fileNames, layoutPaths, storedName } from '../../../src/emulators/names.ts';

const profile = {
  id: 'qemu',
  guests: { aarch64: 'arm64' },
  layouts: [
    { distribution: 'a', paths: ['/usr/bin/{target}-dyn'], packages: [], linkage: 'dynamic' },
    {
      distribution: 'b',
      paths: ['/usr/bin/qemu-{target}', '/usr/bin/qemu-{target}-static'],
      packages: [],
      linkage: 'static',
    },
  ],
} as unknown as EmulatorProfile;

describe('names of emulators', () => {
  it("puts the emulator's own name of the guest into the paths, static layouts first", () => {
    expect(layoutPaths(profile, 'aarch64')).toEqual([
      '/usr/bin/qemu-arm64',
      '/usr/bin/qemu-arm64-static',
      '/usr/bin/arm64-dyn',
    ]);
  });

  it('tries a name that only serves an entry with flag P after all others of its linkage', () => {
    const paths = ['/usr/bin/qemu-{target}', '/usr/libexec/{target}-binfmt-P'];
    const layouts = [
      { distribution: 'one', paths, packages: [], linkage: 'static' },
      { distribution: 'two', paths: ['/usr/bin/qemu-{target}-static'], packages: [], linkage: 'static' },
      { distribution: 'three', paths: ['/usr/bin/{target}-dyn'], packages: [], linkage: 'dynamic' },
    ] as const;
    expect(layoutPaths({ ...profile, layouts }, 'aarch64')).toEqual([
      '/usr/bin/qemu-arm64',
      '/usr/bin/qemu-arm64-static',
      '/usr/libexec/arm64-binfmt-P',
      '/usr/bin/arm64-dyn',
    ]);
  });

  it('looks first for names that say that they are static', () => {
    expect(fileNames(profile, 'aarch64')[0]).toBe('qemu-arm64-static');
  });

  it.each([
    ['/a/qemu-arm64-static', 'qemu-arm64'],
    ['/a/qemu-arm64', 'qemu-arm64'],
    ['/a/arm64-dyn', 'arm64-dyn'],
    ['/tmp/download (1)', 'qemu-arm64'],
  ])('stores %s as %s', (path, name) => {
    expect(storedName(profile, 'aarch64', path)).toBe(name);
  });
});
