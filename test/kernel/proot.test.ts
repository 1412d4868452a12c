/** proot instead of namespaces, on kernels without private instances. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { AS_USER, binfmtctl, inShell } from './support/command.ts';
import { emulatorFolder } from './support/machine.ts';

const folder = temporaryFolder();
let env: Readonly<Record<string, string>>;
let within: readonly string[];
let options: readonly string[];

beforeAll(() => {
  const [proot = '', talloc = '', arm64 = ''] = unpackPackages('proot', 'libtalloc2', 'busybox-static:arm64');
  const triplet = readdirSync(join(talloc, 'usr/lib')).find((name) => name.includes('linux')) ?? '';
  chmodSync(folder(), 0o755);
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'mnt'])
    mkdirSync(folder('root', place), { recursive: true });
  for (const name of ['hosts', 'resolv.conf']) writeFileSync(folder('root/etc', name), '');
  copyFileSync(join(arm64, 'bin/busybox'), folder('root/bin/busybox'));
  for (const name of ['sh', 'uname', 'id', 'pwd', 'ls', 'sleep'])
    symlinkSync('busybox', folder('root/bin', name));
  // AS_USER.
  chownSync(folder('root'), 1000, 1000);
  mkdirSync(folder('store'));
  chmodSync(folder('store'), 0o777);
  mkdirSync(folder('tools'));
  // proot is unpacked, not installed, so its library is elsewhere; root of the tests may run it.
  const library = join(talloc, 'usr/lib', triplet);
  writeFileSync(
    folder('tools/proot'),
    `#!/bin/sh\nLD_LIBRARY_PATH=${library} exec ${join(proot, 'usr/bin/proot')} "$@"\n`,
    { mode: 0o755 },
  );
  writeFileSync(folder('mount'), '#!/bin/sh\necho "mount: binfmt_misc: permission denied." >&2\nexit 32\n', {
    mode: 0o755,
  });
  within = [...inShell(`mount --bind ${folder('mount')} "$(readlink -f "$(command -v mount)")"`), ...AS_USER];
  env = { HOME: folder('store'), PATH: `${folder('tools')}:${process.env['PATH']}` };
  options = ['--source', `dir:${emulatorFolder()}`, '--store', folder('store')];
});

const command = (...words: string[]) => binfmtctl(words, { within, env });
const WARNING =
  /^warning: using proot, which is slower and does not isolate the program: cannot mount binfmt_misc .*$/gm;

describe('enter by proot', () => {
  it('runs a program and its children as root of the tree, with a warning of one line', async () => {
    const script = 'uname -m; sh -c "id -u; pwd"; ls /mnt; exit 7';
    const bind = ['--bind', `${folder('root/bin')}:/mnt`, '--workdir', '/etc'];
    const { status, stdout, stderr } = await command(
      'enter',
      ...options,
      ...bind,
      folder('root'),
      '--',
      'sh',
      '-c',
      script,
    );
    expect({ status, stdout }).toMatchObject({
      status: 7,
      stdout: expect.stringMatching(/^aarch64\n0\n\/etc\nbusybox\n/),
    });
    expect(stderr.match(WARNING)).toHaveLength(1);
  });

  it('is reported by --dry-run', async () => {
    const { status, stdout } = await command('enter', ...options, '--dry-run', folder('root'));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^aarch64: .*, by proot$/m);
  });

  it.each([
    [['--read-only'], '--read-only'],
    [['--ephemeral'], '--ephemeral'],
    [['--net', 'none'], '--net none'],
    [['--bind', '/etc:/mnt:ro'], ':ro of --bind /etc:/mnt:ro'],
    [['--env', 'LD_PRELOAD=/x'], '--env LD_PRELOAD'],
  ])('refuses unsupported options: %s', async (more, named) => {
    const { status, stderr } = await command('enter', ...options, ...more, folder('root'), '--', 'uname');
    expect(status).toBe(125);
    expect(stderr).toContain(`; or, without root, omit ${named}, so that proot can be used\n`);
  });

  it('kills its programs when binfmtctl is killed', async () => {
    const words = [
      'enter',
      '--quiet',
      ...options,
      folder('root'),
      '--',
      'sh',
      '-c',
      'echo ready; exec sleep 86399.5',
    ];
    const [file = '', ...args] = [...within, process.execPath, resolve('dist/cli.cjs'), ...words];
    const child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((ready) => child.stdout.once('data', ready));
    child.kill('SIGKILL');
    await expect.poll(() => running('86399.5'), { timeout: 20_000 }).toBe(false);
  });
});

it('run by proot emulates the children of a program, too', async () => {
  const busybox = folder('root/bin/busybox');
  const { status, stdout, stderr } = await command(
    'run',
    ...options,
    '--',
    busybox,
    'sh',
    '-c',
    `${busybox} uname -m; exit 4`,
  );
  expect({ status, stdout }).toEqual({ status: 4, stdout: 'aarch64\n' });
  expect(stderr.match(WARNING)).toHaveLength(1);
});

it('run never starts proot as root, because it could remove files of the host', async () => {
  mkdirSync(folder('fake'));
  writeFileSync(folder('fake/proot'), '#!/bin/sh\nexit 99\n', { mode: 0o755 });
  const own = ['--source', `dir:${emulatorFolder()}`, '--store', folder('fake/store')];
  const words = ['run', ...own, '--', folder('root/bin/busybox'), 'uname', '-m'];
  const asRoot = within.slice(0, within.length - AS_USER.length);
  const { status, stdout, stderr } = await binfmtctl(words, {
    within: asRoot,
    env: { PATH: `${folder('fake')}:${process.env['PATH']}` },
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'aarch64\n' });
  expect(stderr).toContain('emulating the program but not its child processes');
});

const running = (text: string): boolean =>
  readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text);
    } catch {
      return false;
    }
  });
