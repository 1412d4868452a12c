import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { findArch } from '../../src/catalogue/resolve.ts';
import type { InstallResult } from '../../src/install/install.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { runsI386 } from '../kernel/support/native-i386.ts';
import { archTestFolder, binfmtctl, removeAllEntries, temporaryFolder } from './support/tools.ts';

describe('install --all from the distribution', () => {
  const store = temporaryFolder('all');
  let result: InstallResult;

  beforeAll(() => {
    const ran = binfmtctl(store, 'install', '--all', '--json', '--quiet');
    expect(ran.stderr).toBe('');
    result = JSON.parse(ran.stdout);
  });
  afterAll(() => {
    removeAllEntries();
    rmSync(store, { recursive: true });
  });

  it('verifies every architecture that has an emulator in the package', () => {
    const [root = ''] = unpackPackages('qemu-user-static');
    const served = readdirSync(join(root, 'usr/bin'))
      .map((name) => /^qemu-(.+)-static$/.exec(name)?.[1] ?? '')
      .filter((id) => id in builtinCatalogue().arches && id !== 'x86_64' && !(id === 'i386' && runsI386));
    expect(served.length).toBeGreaterThan(20);
    expect(result.proofs.map(({ arch }) => arch).sort()).toEqual(served.sort());
    for (const { arch, host, chroot, mountNamespace, argv0, emulator } of result.proofs) {
      const holds = [host, chroot, mountNamespace, argv0].map((check) => check.holds);
      expect({ arch, holds, sha256: emulator?.sha256.length }).toEqual({
        arch,
        holds: [true, true, true, true],
        sha256: 64,
      });
    }
  });

  it('agrees with arch-test on every architecture that both know', () => {
    const folder = archTestFolder();
    const [root = ''] = unpackPackages('arch-test');
    const says = execFileSync(join(folder, 'arch-test'), { encoding: 'utf8' }).split('\n');
    const proved = new Set([...result.proofs.map(({ arch }) => arch), 'x86_64', 'i386']);
    const known = readdirSync(join(root, 'usr/lib/arch-test')).flatMap((name) => {
      try {
        return [{ name, id: findArch(builtinCatalogue(), name).id }];
      } catch {
        return [];
      }
    });
    expect(known.length).toBeGreaterThan(20);
    expect(known.map(({ name, id }) => [name, proved.has(id)])).toEqual(
      known.map(({ name }) => [name, says.includes(name)]),
    );
  });
});
