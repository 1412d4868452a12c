import { describe, expect, it } from 'vitest';
import type { EmulatorProfile } from '../../../src/catalogue/types.ts';
import { fileNames, layoutPaths, storedName } from '../../../src/emulators/names.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';

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
  it("inserts the emulator's name of the guest into the paths, static layouts first", () => {
    expect(layoutPaths(profile, 'aarch64')).toEqual([
      '/usr/bin/qemu-arm64',
      '/usr/bin/qemu-arm64-static',
      '/usr/bin/arm64-dyn',
    ]);
  });

  it('lists Debian’s name that works only with flag P after QEMU’s other names', () => {
    const { qemu } = builtinCatalogue().emulators;
    const paths = qemu === undefined ? [] : layoutPaths(qemu, 'aarch64');
    expect(paths.findIndex((path) => path.endsWith('-binfmt-P'))).toBe(paths.length - 1);
  });

  it('lists names of static builds first', () => {
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
