import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyRoot, debianRoot } from './support/debian-roots.ts';
import { binfmtctl, removeAllEntries, temporaryFolder } from './support/tools.ts';

describe("Debian's arm64 root file system, created and entered through an entry of binfmtctl", () => {
  const store = join(temporaryFolder('root'), 'store');
  let root: string;
  const inside = (...command: string[]): string =>
    execFileSync('chroot', [root, ...command], { encoding: 'utf8' }).trim();

  beforeAll(async () => {
    root = copyRoot(await debianRoot('arm64'), join(temporaryFolder('foreign'), 'arm64'));
    const installed = binfmtctl(store, 'install', 'arm64');
    expect(installed.stdout).toMatch(/arm64 .*registered and verified/);
  });
  afterAll(removeAllEntries);

  it('runs its programs with no emulator inside', () => {
    expect(inside('uname', '-m')).toBe('aarch64');
    expect(inside('dpkg', '--print-architecture')).toBe('arm64');
    expect(inside('sh', '-c', 'find / -xdev -name "qemu-*" | wc -l')).toBe('0');
  });

  it('runs pipes and children of its programs', () => {
    expect(inside('sh', '-c', 'printf abc | sha256sum | cut -c1-8')).toBe('ba7816bf');
  });

  it('is verified by verify --root', () => {
    const { stdout, status } = binfmtctl(store, 'verify', 'arm64', '--root', root, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      holds: true,
      proofs: [{ arch: 'aarch64', chroot: { holds: true } }],
    });
    expect(status).toBe(0);
    expect(inside('sh', '-c', 'ls -A / | grep -c binfmtctl || true')).toBe('0');
  });
});
