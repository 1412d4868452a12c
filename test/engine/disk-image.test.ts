/** Disk images on real loop devices, which only root of the machine can mount: nothing stays, however a session ends. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { gpt, mbr } from '../model/disk-image.ts';

const SECTOR = 512;
const FIRST = 2048;
/** In sectors: room for busybox and an ext4 file system. */
const PART = 32768;
const SIZE = 3 * PART * SECTOR;
const LINUX = '0fc63daf-8483-4772-8e79-3d69d8477de4';
const ROOT_ARM64 = 'b921b045-1df0-41c3-af44-4c6f280d3fae';

const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-disk-'));
const at = (name: string): string => join(folder, name);
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
let words: readonly string[];

beforeAll(() => {
  const [busybox = '', qemu = ''] = unpackPackages('busybox-static:arm64', 'qemu-user-static');
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp'])
    mkdirSync(join(at('root'), place), { recursive: true });
  cpSync(join(busybox, 'bin/busybox'), at('root/bin/busybox'));
  for (const name of ['sh', 'uname', 'cat', 'touch', 'ls', 'sleep'])
    symlinkSync('busybox', join(at('root/bin'), name));
  const source = ['--source', `dir:${join(qemu, 'usr/bin')}`];
  words = [resolve('dist/cli.cjs'), 'enter', '--quiet', '--store', at('store'), '--net', 'none', ...source];
});
afterEach(() => expectNoTraces());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An image with this table, and the root in the second partition; the third one has another file system. */
function makeImage(name: string, table: Uint8Array): string {
  const file = openSync(at(name), 'w');
  writeSync(file, Buffer.alloc(1), 0, 1, SIZE - 1);
  writeSync(file, table, 0, table.length, 0);
  closeSync(file);
  const mke2fs = ['-q', '-t', 'ext4', '-F', '-d', at('root')];
  const offset = `offset=${(FIRST + PART) * SECTOR}`;
  execFileSync('mke2fs', [...mke2fs, '-E', offset, at(name), `${((PART - FIRST) * SECTOR) / 1024}k`], {
    env,
    stdio: 'pipe',
  });
  return at(name);
}

const partitions = (...types: readonly (string | number)[]) =>
  types.map((type, index) => ({ start: FIRST + index * PART, sectors: PART - FIRST, type }));

const enter = (...rest: readonly string[]) =>
  spawnSync(process.execPath, [...words, ...rest], { encoding: 'utf8', env });

/** Loop devices are released by the kernel when the last process of the mount namespace has ended. */
async function expectNoTraces(): Promise<void> {
  const loops = (): string =>
    execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'], { env, encoding: 'utf8' });
  await expect.poll(loops, { timeout: 30_000 }).not.toContain(folder);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(folder);
}

describe('a raw disk image', () => {
  it.each([
    ['MBR', () => mbr(partitions(0x0c, 0x83))],
    ['GPT', () => gpt(partitions(LINUX, ROOT_ARM64, LINUX))],
  ])('is entered at its root partition, which keeps changes: %s', (name, table) => {
    const image = makeImage(name, table());
    const script = 'uname -m; touch /kept; cat /proc/mounts';
    const { status, stdout, stderr } = enter(image, '--', 'sh', '-c', script);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^aarch64\n/);
    expect(stdout).toMatch(/^\/dev\/loop\S* \/ ext4 rw,nosuid,nodev,/m);
    expect(enter(image, '--', 'ls', '/kept').stdout).toBe('/kept\n');
  });

  it('is unchanged by --ephemeral and --read-only', () => {
    const image = makeImage('unchanged', mbr(partitions(0x0c, 0x83)));
    const digest = (): string => createHash('sha256').update(readFileSync(image)).digest('hex');
    const before = digest();
    expect(enter('--ephemeral', image, '--', 'sh', '-c', 'touch /new && ls /new').stdout).toBe('/new\n');
    expect(enter('--read-only', image, '--', 'touch', '/new').status).toBe(1);
    expect(digest()).toBe(before);
  });

  it('needs --partition where several may be the root', () => {
    const image = makeImage('several', gpt(partitions(LINUX, LINUX)));
    const refused = enter(image, '--', 'uname', '-m');
    expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status: 125, stdout: '' });
    expect(refused.stderr).toMatch(
      /^binfmtctl: cannot choose a partition .*1 \(linux, 15 MiB\), 2 \(linux.*\nhint: .*--partition N\n$/,
    );
    expect(enter('--partition', '2', image, '--', 'uname', '-m').stdout).toBe('aarch64\n');
  });

  it('is not mounted in a store that others can change', () => {
    const image = makeImage('trusted', mbr(partitions(0x0c, 0x83)));
    mkdirSync(at('open'));
    chmodSync(at('open'), 0o777);
    const { status, stderr } = enter('--store', at('open'), image, '--', 'uname');
    expect(status).toBe(125);
    expect(stderr).toMatch(/^binfmtctl: unsafe store /);
    expect(readdirSync(at('open'))).toEqual([]);
  });

  it('is refused with the reason of mount(8) where there are no loop devices', () => {
    const image = makeImage('without', mbr(partitions(0x0c, 0x83)));
    const hide = `cd "$(mktemp -d ${at('dev')}-XXXXXX)" && mount -t tmpfs none . && cd "$PWD" && mkdir shm pts &&
      cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty . && mount --move . /dev && exec "$@"`;
    const command = ['--mount', 'sh', '-c', hide, 'sh', process.execPath, ...words, image, '--', 'uname'];
    const { status, stdout, stderr } = spawnSync('unshare', command, { encoding: 'utf8', env });
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^binfmtctl: cannot mount \S+: mount failed: .+\nhint: .*losetup -f.*\n$/);
  });
});

describe('the loop device of a session', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const)('is released after %s', async (signal, status) => {
    const image = makeImage(signal, mbr(partitions(0x0c, 0x83)));
    const script = 'echo ready; sleep 1000';
    const child = spawn(process.execPath, [...words, image, '--', 'sh', '-c', script], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((done) => child.once('exit', done));
    await new Promise((ready) => child.stdout.once('data', ready));
    expect(execFileSync('losetup', ['-j', image], { env, encoding: 'utf8' })).toContain(image);
    child.kill(signal);
    expect(await ended).toBe(status);
    await expectNoTraces();
  });
});
