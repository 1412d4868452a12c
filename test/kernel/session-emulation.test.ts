/** A program in `run` or `enter` can neither change its emulator, stop its emulation, nor access process 1. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { AS_USER, binfmtctl, inShell } from './support/command.ts';

const folder = temporaryFolder();
const arm64 = () => folder('tree/bin/busybox');
let qemu = '';

beforeAll(() => {
  qemu = join(unpackPackages('qemu-user-static')[0] ?? '', 'usr/bin');
  chmodSync(folder(), 0o755);
  for (const tree of ['tree', 'native'])
    for (const place of ['bin', 'proc', 'sys', 'dev', 'run', 'tmp'])
      mkdirSync(folder(tree, place), { recursive: true });
  copyFileSync(join(unpackPackages('busybox-static:arm64')[0] ?? '', 'bin/busybox'), arm64());
  copyFileSync(join(unpackPackages('busybox-static')[0] ?? '', 'bin/busybox'), folder('native/bin/busybox'));
  for (const tree of ['tree', 'native'])
    for (const name of ['sh', 'cat', 'chmod']) symlinkSync('busybox', folder(tree, 'bin', name));
  writeFileSync(folder('secret'), 'secret\n');
  for (const who of ['root', 'user']) mkdirSync(folder(`store-${who}`));
  execFileSync('chown', ['1000:1000', folder('store-user')]);
});

const optionsOf = (who: string) => ['--quiet', '--store', folder(`store-${who}`), '--source', `dir:${qemu}`];
const as = (who: string) =>
  who === 'user' ? { within: AS_USER, env: { HOME: folder('store-user') } } : { within: [] };

describe.each(['root', 'user'])('as %s', (who) => {
  it('a program inside enter cannot change the mode of its emulator', async () => {
    const script = 'chmod 4777 /proc/$$/exe; echo "$?"; cat /proc/$$/exe >/dev/null && echo "read"';
    const words = ['enter', ...optionsOf(who), '--net', 'none', folder('tree'), '--', 'sh', '-c', script];
    const { stdout, stderr } = await binfmtctl(words, as(who));
    expect(stdout).toBe('1\nread\n');
    expect(stderr).toContain('Read-only file system');
    const stored = execFileSync('find', [folder(`store-${who}`), '-name', 'qemu-aarch64'], {
      encoding: 'utf8',
    }).trim();
    expect(statSync(stored).mode & 0o7777).toBe(0o755);
    // mount(8) skips a bind mount that exists.
    const { within } = as(who);
    const bound = { ...as(who), within: [...inShell(`mount --bind ${stored} ${stored}`), ...within] };
    expect((await binfmtctl(words, bound)).stdout).toBe('1\nread\n');
    expect(statSync(stored).mode & 0o7777).toBe(0o755);
  });

  it('a program in run keeps its emulation, whatever it unmounts or writes', async () => {
    const place = '/proc/sys/fs/binfmt_misc';
    const script = [
      `for each in ${place}/qemu*; do echo -1 >$each; done; echo 0 >${place}/status`,
      `umount ${place}; umount -l ${place}; ${arm64()} true && echo goes on`,
    ].join('; ');
    const words = ['run', ...optionsOf(who), '--arch', 'arm64', '--', '/bin/sh', '-c', script];
    expect((await binfmtctl(words, as(who))).stdout).toBe('goes on\n');
  });
});

it('process 1 inside cannot be accessed if the caller lacks CAP_SYS_PTRACE', async () => {
  const within = ['setpriv', '--bounding-set=-sys_ptrace', '--inh-caps=-all'];
  const script = `cat /proc/1/root${folder('secret')}; echo end`;
  const words = ['enter', ...optionsOf('root'), '--net', 'none', folder('native'), '--', 'sh', '-c', script];
  const { stdout, stderr } = await binfmtctl(words, { within });
  expect(stdout).toBe('end\n');
  expect(stderr).toContain('Permission denied');
});
