/** Roots after debootstrap's first stage: the second stage runs inside `enter`, even if device nodes cannot be created. */
import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { AS_USER, binfmtctl } from './support/command.ts';

const folder = temporaryFolder();
const PROGRAM = '/debootstrap/debootstrap';

/** The checks at the start of debootstrap's second stage (functions, check_sane_mount). */
const SECOND_STAGE = `#!/bin/sh
[ "$container" = lxc ] || mknod /test-dev-null c 1 3 || exit 1
echo "container=$container"
`;

beforeAll(() => {
  const [busybox = ''] = unpackPackages('busybox-static');
  chmodSync(folder(), 0o755);
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp'])
    mkdirSync(folder('root', place), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), folder('root/bin/busybox'));
  for (const name of ['sh', 'mknod', 'echo']) symlinkSync('busybox', folder('root/bin', name));
  mkdirSync(folder('store'));
  chmodSync(folder('store'), 0o777);
});

beforeEach(() => {
  mkdirSync(folder('root/debootstrap'), { recursive: true });
  writeFileSync(folder('root/debootstrap/debootstrap'), SECOND_STAGE, { mode: 0o755 });
});

const enter = (...words: string[]) =>
  binfmtctl(['enter', '--quiet', '--store', folder('store'), '--net', 'none', ...words], {
    within: AS_USER,
    env: { HOME: folder('store') },
  });

const SHOW = ['sh', '-c', 'echo "container=$container"'];

describe('in a user namespace', () => {
  it('the second stage of debootstrap runs unchanged', async () => {
    const ran = await enter(folder('root'), '--', PROGRAM);
    expect(ran).toEqual({ status: 0, stdout: 'container=lxc\n', stderr: '' });
  });

  it('the caller may override the variable that debootstrap reads', async () => {
    const ran = await enter('--env', 'container=other', folder('root'), '--', ...SHOW);
    expect(ran).toEqual({ status: 0, stdout: 'container=other\n', stderr: '' });
  });

  it('it runs without a warning if the first stage made /proc a link', async () => {
    rmSync(folder('root/proc'), { recursive: true });
    symlinkSync('/proc', folder('root/proc'));
    const words = ['enter', '--store', folder('store'), '--net', 'none', folder('root'), '--', PROGRAM];
    const ran = await binfmtctl(words, { within: AS_USER, env: { HOME: folder('store') } });
    rmSync(folder('root/proc'));
    mkdirSync(folder('root/proc'));
    expect(ran.status).toBe(0);
    expect(ran.stderr).not.toContain('/proc');
  });

  it('no variable is set in a complete root', async () => {
    rmSync(folder('root/debootstrap'), { recursive: true });
    const ran = await enter(folder('root'), '--', ...SHOW);
    expect(ran).toEqual({ status: 0, stdout: 'container=\n', stderr: '' });
  });
});
