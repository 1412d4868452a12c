import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { archTestFolder, binfmtctl, removeAllEntries, temporaryFolder } from './support/tools.ts';

describe("Debian's arm64 root file system, made and entered through our entry", () => {
  const folder = temporaryFolder('root');
  const root = join(folder, 'arm64');
  const store = join(folder, 'store');
  const inside = (...command: string[]): string =>
    execFileSync('chroot', [root, ...command], { encoding: 'utf8' }).trim();

  beforeAll(() => {
    const installed = binfmtctl(store, 'install', 'arm64');
    expect(installed.stdout).toMatch(/aarch64 installed and proved/);
    const [mmdebstrap = ''] = unpackPackages('mmdebstrap');
    const release = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
    const made = spawnSync(
      'perl',
      [
        join(mmdebstrap, 'usr/bin/mmdebstrap'),
        '--mode=root',
        '--variant=essential',
        '--arch=arm64',
        release,
        root,
      ],
      { encoding: 'utf8', env: { ...process.env, PATH: `${archTestFolder()}:${process.env['PATH']}` } },
    );
    expect(made.stderr).toMatch(/success/);
  });
  afterAll(() => {
    removeAllEntries();
    rmSync(folder, { recursive: true });
  });

  it('runs its programs with no emulator inside', () => {
    expect(inside('uname', '-m')).toBe('aarch64');
    expect(inside('dpkg', '--print-architecture')).toBe('arm64');
    expect(inside('sh', '-c', 'find / -xdev -name "qemu-*" | wc -l')).toBe('0');
  });

  it('runs pipes and children of its programs', () => {
    expect(inside('sh', '-c', 'printf abc | sha256sum | cut -c1-8')).toBe('ba7816bf');
  });

  it('is proved by verify --root', () => {
    const { stdout, status } = binfmtctl(store, 'verify', 'arm64', '--root', root, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      holds: true,
      proofs: [{ arch: 'aarch64', chroot: { holds: true } }],
    });
    expect(status).toBe(0);
    expect(inside('sh', '-c', 'ls -A / | grep -c binfmtctl || true')).toBe('0');
  });
});
