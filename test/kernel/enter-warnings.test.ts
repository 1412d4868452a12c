/** The warnings of `enter`: one short line each, with commands that can be pasted. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { AS_USER, binfmtctl } from './support/command.ts';

const folder = temporaryFolder();
const LONGEST = 120;

beforeAll(() => {
  const [busybox = ''] = unpackPackages('busybox-static');
  chmodSync(folder(), 0o755);
  for (const place of ['root/bin', 'root/etc', 'store']) mkdirSync(folder(place), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), folder('root/bin/busybox'));
  symlinkSync('busybox', folder('root/bin/sh'));
  symlinkSync('/proc', folder('root/proc'));
  symlinkSync('/no/such/file', folder('root/etc/resolv.conf'));
  chmodSync(folder('store'), 0o777);
});

const enter = () =>
  binfmtctl(['enter', '--store', folder('store'), folder('root'), '--', 'sh', '-c', 'echo ran'], {
    within: AS_USER,
    env: { HOME: folder('store') },
  });

it('are short and name the root at most once', async () => {
  const { status, stdout, stderr } = await enter();
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'ran\n' });
  const lines = stderr.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) {
    expect(line).toMatch(/^warning: /);
    expect(line.split(folder('root')).length, line).toBeLessThanOrEqual(2);
    expect(line.replace(folder('root'), '').length, line).toBeLessThanOrEqual(LONGEST);
  }
});

it('contain commands that resolve all of them', async () => {
  const commands = [...(await enter()).stderr.matchAll(/`(\(.*\))`/g)].map(([, command = '']) => command);
  expect(commands).toHaveLength(2);
  for (const command of commands) execFileSync('sh', ['-c', command]);
  expect((await enter()).stderr).not.toContain('`(');
});
