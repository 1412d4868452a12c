import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { unpackPackages } from '../../../scripts/packages.mjs';

export const BINFMT = '/proc/sys/fs/binfmt_misc';
const COMMAND = resolve('dist/cli.cjs');

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command with a separate store. */
export function binfmtctl(store: string, ...args: string[]): Ran {
  return spawnSync('node', [COMMAND, ...args, '--store', store], { encoding: 'utf8', maxBuffer: 1 << 26 });
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A directory that all users may enter, removed after the last test of a file. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `binfmtctl-${name}-`));
  chmodSync(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** A directory for PATH with Debian's arch-test, changed to find its unpacked helpers. */
export function archTestFolder(): string {
  const [root = ''] = unpackPackages('arch-test');
  const folder = temporaryFolder('arch-test');
  const script = readFileSync(join(root, 'usr/bin/arch-test'), 'utf8');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'arch-test'),
    script.replaceAll('/usr/lib/arch-test', join(root, 'usr/lib/arch-test')),
    { mode: 0o755 },
  );
  return folder;
}

/** Removes every entry of the private instance, one by one. */
export function removeAllEntries(): void {
  execFileSync('sh', [
    '-c',
    `for e in ${BINFMT}/*; do case $e in */register|*/status) ;; *) echo -1 > "$e";; esac; done`,
  ]);
}
