import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl } from './support/command.ts';

const folder = temporaryFolder();

beforeAll(() => {
  const [busybox = ''] = unpackPackages('busybox-static');
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'mnt'])
    mkdirSync(folder('root', place), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), folder('root/bin/busybox'));
  for (const name of ['sh', 'cat', 'mount', 'umount', 'nsenter', 'touch'])
    symlinkSync('busybox', folder('root/bin', name));
  mkdirSync(folder('source'), { recursive: true });
  writeFileSync(folder('source/secret'), 'secret\n');
});

const enter = async (options: readonly string[], script: string) =>
  binfmtctl([
    ...['enter', '--quiet', '--store', folder('store'), '--net', 'none', ...options],
    ...[folder('root'), '--', 'sh', '-c', script],
  ]);

it('keeps the host out of reach when the root is detached and its mount namespace joined again', async () => {
  const script = `umount -l /; nsenter --mount=/proc/self/ns/mnt cat ${folder('source/secret')}`;
  const { status, stdout } = await enter(['--read-only'], script);
  expect(status).not.toBe(0);
  expect(stdout).not.toContain('secret');
});

it('does not give access to the host by the root of process 1', async () => {
  const { status, stdout, stderr } = await enter(
    ['--read-only'],
    `cat /proc/1/root${folder('source/secret')}`,
  );
  expect(status).not.toBe(0);
  expect(stdout).toBe('');
  expect(stderr).toContain('Permission denied');
});

it.each([
  ['the root', ['--read-only'], '/', '/file'],
  ['a bind mount', ['--bind', 'SOURCE:/mnt:ro'], '/mnt', '/mnt/file'],
])('keeps %s read-only against a remount', async (_, options, mount, file) => {
  const words = options.map((word) => word.replace('SOURCE', folder('source')));
  const { status, stderr } = await enter(words, `mount -o remount,bind,rw ${mount}; touch ${file}`);
  expect(status).not.toBe(0);
  expect(stderr).toContain('Read-only file system');
});
