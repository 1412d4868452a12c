/** Emulators that need libraries of the host: `run` can use them, `enter` cannot. */
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { binfmtctl, inShell } from './support/command.ts';
import { emulatorFolder } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { at, store } = startWork();
const [qemu = '', busybox = '', ...libraries] = unpackPackages(
  'qemu-user',
  'busybox-static:arm64',
  'libcapstone4',
  'liburing2',
);
const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const lower = [...libraries.map((each) => `${each}/usr/lib/${triplet}`), `/usr/lib/${triplet}`].join(':');
const within = inShell(`mount -t overlay overlay -o lowerdir=${lower} /usr/lib/${triplet}`);
const start = (folders: readonly string[], command: string, ...words: readonly string[]) =>
  binfmtctl([command, '--store', store, ...words], {
    within,
    env: { PATH: [...folders, process.env['PATH']].join(':') },
  });
const emulated = { status: 0, stdout: 'aarch64\n', stderr: '' };

beforeEach(() => {
  rmSync(store, { recursive: true, force: true });
  for (const folder of ['root/bin', 'root/proc', 'dynamic', 'static'])
    mkdirSync(at(folder), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), at('root/bin/uname'));
  symlinkSync('uname', at('root/bin/sh'));
  symlinkSync(join(qemu, 'usr/bin/qemu-aarch64'), at('dynamic/qemu-aarch64'));
  symlinkSync(join(emulatorFolder(), 'qemu-aarch64-static'), at('static/qemu-aarch64-static'));
});

describe('a dynamic emulator', () => {
  it('runs programs of the host’s file system, also from the cache', async () => {
    for (const _ of [1, 2])
      expect(await start([at('dynamic')], 'run', '--', at('root/bin/uname'), '-m')).toEqual(emulated);
    const source = ['--source', `path:${at('dynamic/qemu-aarch64')}`];
    expect(await start([], 'run', ...source, '--', at('root/bin/uname'), '-m')).toEqual(emulated);
  });

  it('is not used if there is a static one', async () => {
    const folders = [at('dynamic'), at('static')];
    const { stdout } = await start(folders, 'run', '--dry-run', '--', at('root/bin/uname'));
    expect(stdout).toContain('/qemu-aarch64-static ');
  });

  it('is not used inside a root, although run has cached it', async () => {
    expect(await start([at('dynamic')], 'run', '--', at('root/bin/uname'), '-m')).toEqual(emulated);
    const folders = [at('dynamic'), at('static')];
    for (const _ of [1, 2])
      expect(await start(folders, 'enter', '--quiet', at('root'), '--', 'uname', '-m')).toEqual(emulated);
  });
});
