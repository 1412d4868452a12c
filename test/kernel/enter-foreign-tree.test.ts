/** Root does not set up a session where another user can redirect what it makes and mounts. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl, type Circumstances, inShell } from './support/command.ts';

const folder = temporaryFolder();
let busybox = '';
let count = 0;
let tree = '';

beforeAll(() => {
  busybox = join(unpackPackages('busybox-static')[0] ?? '', 'bin/busybox');
  chmodSync(folder(), 0o755);
  mkdirSync(folder('source/sub'), { recursive: true });
});

beforeEach(() => {
  count += 1;
  tree = folder(`tree-${count}`);
  for (const each of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'mnt/sub'])
    mkdirSync(join(tree, each), { recursive: true });
  for (const each of ['etc/resolv.conf', 'etc/hosts']) writeFileSync(join(tree, each), '');
  copyFileSync(busybox, join(tree, 'bin/busybox'));
  symlinkSync('busybox', join(tree, 'bin/sh'));
});

const enter = (options: readonly string[] = [], circumstances?: Circumstances) =>
  binfmtctl(
    ['enter', '--quiet', '--store', folder('store'), ...options, tree, '--', 'sh', '-c', 'echo runs'],
    circumstances,
  );

it('fails, and truncates no file, where a link appears in the place of a file that it makes', async () => {
  rmSync(join(tree, 'etc/resolv.conf'));
  symlinkSync('/run/resolv.conf', join(tree, 'etc/resolv.conf'));
  const victim = folder('victim');
  writeFileSync(victim, 'precious\n');
  const mount = folder('mount');
  const link = `ln -sf ${victim} ${tree}/run/resolv.conf`;
  copyFileSync('/usr/bin/mount', folder('real-mount'));
  writeFileSync(mount, `#!/bin/sh\n${folder('real-mount')} "$@" || exit\n[ ! -d ${tree}/run ] || ${link}\n`);
  chmodSync(mount, 0o755);
  const { status, stderr } = await enter([], { within: inShell(`mount --bind ${mount} /usr/bin/mount`) });
  expect(readFileSync(victim, 'utf8')).toBe('precious\n');
  expect(status).toBe(125);
  expect(stderr).toMatch(/resolv\.conf.*: (File exists|cannot overwrite existing file)/i);
});
