/** File systems of disk images, mounted by this machine's kernel. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { mbr } from '../model/disk-image.ts';

const MIB = 1 << 20;
const SECTOR = 512;
/** In MiB: what mkfs(8) needs. */
const SIZES: Readonly<Record<string, number>> = { xfs: 320, btrfs: 128, f2fs: 128 };
const SIZE = 48;
/** Where the second partition begins, in MiB. */
const START = 2;

const folder = mkdtempSync(join(tmpdir(), 'binfmtctl-fs-'));
const at = (...names: string[]): string => join(folder, ...names);
const env: Record<string, string | undefined> = { ...process.env };
let words: readonly string[];

beforeAll(() => {
  const makers = ['btrfs-progs', 'xfsprogs', 'f2fs-tools', 'erofs-utils', 'squashfs-tools'];
  const all = unpackPackages(...makers, 'liblzo2-2', 'libinih1', 'liburcu8');
  const inAll = (...below: string[]): string[] =>
    all.flatMap((root) => below.map((each) => join(root, each))).filter(existsSync);
  env['PATH'] = [process.env['PATH'], '/usr/sbin:/sbin', ...inAll('sbin', 'usr/sbin', 'bin', 'usr/bin')].join(
    ':',
  );
  env['LD_LIBRARY_PATH'] = inAll('lib', 'usr/lib')
    .flatMap((lib) => readdirSync(lib).map((name) => join(lib, name)))
    .join(':');
  const [busybox = '', qemu = ''] = unpackPackages('busybox-static:arm64', 'qemu-user-static');
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp'])
    mkdirSync(at('root', place), { recursive: true });
  cpSync(join(busybox, 'bin/busybox'), at('root/bin/busybox'));
  for (const name of ['sh', 'uname', 'cat', 'touch']) symlinkSync('busybox', at('root/bin', name));
  const source = ['--source', `dir:${join(qemu, 'usr/bin')}`];
  words = [resolve('dist/cli.cjs'), 'enter', '--store', at('store'), '--net', 'none', ...source];
}, 120_000);
afterEach(async () => {
  const loops = (): string => tool('losetup', '--list', '--noheadings', '--output', 'BACK-FILE');
  await expect.poll(loops, { timeout: 30_000 }).not.toContain(folder);
  const left = readdirSync(at('store')).filter((name) => /mount|disk/.test(name));
  expect(left).toEqual([]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tool = (name: string, ...args: readonly string[]): string =>
  execFileSync(name, args, { env, stdio: 'pipe', encoding: 'utf8' });

/** Runs a script in a mounted file system; `$1` is its file, `$3` the tree of the root. */
function mounted(type: string, file: string, script: string): void {
  mkdirSync(at('mnt'), { recursive: true });
  const shell = `mount -t ${type} -o loop "$1" "$2" && cd "$2" && ${script}`;
  tool('unshare', '--mount', 'sh', '-ec', shell, 'sh', file, at('mnt'), at('root'));
}

/** A file system that a script fills. */
function filled(type: string, file: string, script: string): void {
  tool(`mkfs.${type}`, '-q', file);
  mounted(type, file, script);
}

const MAKE: Readonly<Record<string, (file: string) => void>> = {
  btrfs: (file) => tool('mkfs.btrfs', '-q', '--rootdir', at('root'), file),
  xfs: (file) => filled('xfs', file, 'cp -a "$3/." .'),
  erofs: (file) => tool('mkfs.erofs', file, at('root')),
  squashfs: (file) => tool('mksquashfs', at('root'), file, '-noappend', '-quiet', '-no-progress'),
  f2fs: (file) => tool('mkfs.f2fs', '-q', file),
};

/** A disk whose second partition has a file system that `make` makes in a file. */
function diskOf(name: string, type: string, make = MAKE[type] ?? (() => {})): string {
  const size = (SIZES[type] ?? SIZE) * MIB;
  const file = at(`${name}.fs`);
  writeFileSync(file, '');
  truncateSync(file, size);
  make(file);
  const sectors = Math.ceil(statSync(file).size / SECTOR);
  const image = at(`${name}.img`);
  tool('dd', `if=${file}`, `of=${image}`, 'bs=1M', `seek=${START}`, 'conv=sparse', 'status=none');
  truncateSync(image, START * MIB + size);
  const start = (START * MIB) / SECTOR;
  const disk = openSync(image, 'r+');
  writeSync(
    disk,
    mbr([
      { start: start / 2, sectors: start / 2, type: 0x0c },
      { start, sectors, type: 0x83 },
    ]),
  );
  closeSync(disk);
  rmSync(file);
  return image;
}

const enter = (...rest: readonly string[]) =>
  spawnSync(process.execPath, [...words, ...rest], { encoding: 'utf8', env });
const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
const isKnown = (type: string): boolean =>
  new RegExp(`\\t${type}$`, 'm').test(readFileSync('/proc/filesystems', 'utf8'));

describe.each(['btrfs', 'xfs', 'erofs', 'squashfs'].filter(isKnown))('a root on %s', (type) => {
  it('is entered, and unchanged by --ephemeral and --read-only', () => {
    const image = diskOf(type, type);
    const { status, stdout, stderr } = enter(image, '--', 'sh', '-c', 'uname -m; cat /proc/mounts');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^aarch64\\n/dev/loop\\S* / ${type} r[wo],nosuid,nodev,`));
    const before = digestOf(image);
    const ephemeral = enter('--ephemeral', image, '--', 'sh', '-c', 'touch /new && cat /proc/mounts');
    expect({ status: ephemeral.status, stderr: ephemeral.stderr }).toEqual({ status: 0, stderr: '' });
    expect(ephemeral.stdout).toMatch(/ \/ overlay rw,nosuid,nodev,/);
    expect(enter('--read-only', image, '--', 'touch', '/new').status).toBe(1);
    expect(digestOf(image)).toBe(before);
  });
});

it('a file system that the kernel lacks is named', () => {
  const image = diskOf('f2fs', 'f2fs');
  const { status, stderr } = enter(image, '--', 'uname');
  expect(status).not.toBe(0);
  if (isKnown('f2fs')) return;
  expect(stderr).toBe(
    `binfmtctl: cannot mount ${image}: unknown filesystem type 'f2fs'\n` +
      'hint: this kernel does not support f2fs; use a machine whose kernel does\n',
  );
});

it.each(['ext4', 'xfs', 'btrfs'].filter(isKnown))(
  'an image that was not unmounted cleanly is entered without a change: %s',
  (type) => {
    const image = diskOf(`unclean-${type}`, type, (file) => {
      filled(type, file, 'cp -a "$3/." .');
      mounted(type, file, 'touch new && sync new && cp --sparse=always "$1" "$1.copy"');
      renameSync(`${file}.copy`, file);
    });
    const before = digestOf(image);
    for (const option of ['--ephemeral', '--read-only']) {
      const { status, stdout, stderr } = enter(option, image, '--', 'uname', '-m');
      expect({ status, stdout, stderr }).toEqual({
        status: 0,
        stdout: 'aarch64\n',
        stderr: `warning: ${image} was not unmounted cleanly, so its last changes are missing inside\n`,
      });
    }
    expect(digestOf(image)).toBe(before);
    expect(enter(image, '--', 'uname', '-m')).toMatchObject({ status: 0, stderr: '' });
  },
);

it.skipIf(!isKnown('btrfs'))('the root of a btrfs file system may be in a subvolume', () => {
  const image = diskOf('subvolume', 'btrfs', (file) => {
    filled('btrfs', file, 'btrfs -q subvolume create @ && btrfs -q subvolume create @home && cp -a "$3/." @');
  });
  const { status, stdout, stderr } = enter(image, '--', 'sh', '-c', 'uname -m; touch /new; cat /proc/mounts');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^aarch64\n\S+ \/ btrfs rw,nosuid,nodev,.*subvol=\/@? /);
});

it('messages name the image, not where it is mounted', () => {
  const image = diskOf('no-shell', 'ext4', (file) => filled('ext4', file, 'mkdir bin etc'));
  const { status, stderr } = enter(image);
  expect(status).toBe(125);
  expect(stderr).toBe(
    `binfmtctl: no shell /bin/sh in ${image}\n` +
      `hint: check that it is a root file system, or pass a program: \`binfmtctl enter ROOTFS --store ${at('store')} -- PROGRAM\`\n`,
  );
});
