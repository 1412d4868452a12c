/** Disk images that enter cannot mount: the errors and hints. */
import { chmodSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { mbr } from '../model/disk-image.ts';
import { AS_USER, binfmtctl } from './support/command.ts';

const folder = temporaryFolder();
const SECTOR = 512;

/** A disk with these partitions, each with the magic number of ext4. */
function disk(...types: readonly number[]): Buffer {
  const bytes = Buffer.alloc(SECTOR * 64);
  mbr(types.map((type, index) => ({ start: 16 * (index + 1), sectors: 16, type }))).copy(bytes);
  for (const index of types.keys()) bytes.write('\x53\xef', SECTOR * 16 * (index + 1) + 1080, 'latin1');
  return bytes;
}

beforeAll(() => {
  chmodSync(folder(), 0o755);
  writeFileSync(folder('disk.qcow2'), 'QFI\xfb', 'latin1');
  const iso = Buffer.alloc(0x8800);
  iso.write('CD001', 0x8001);
  writeFileSync(folder('cd.iso'), iso);
  writeFileSync(folder('sd.img'), disk(0x0c, 0x83));
  writeFileSync(folder('two.img'), disk(0x83, 0x83));
  writeFileSync(folder('fat.img'), disk(0x0c));
  writeFileSync(
    folder('lvm.img'),
    Buffer.concat([mbr([{ start: 8, sectors: 8, type: 0x83 }]), Buffer.alloc(SECTOR * 32)]),
  );
  writeFileSync(folder('text'), 'no image\n');
});

it.each([
  [
    'another format',
    'disk.qcow2',
    [],
    /is a QEMU disk image \(qcow2\)/,
    /`qemu-img convert -f qcow2 -O raw \S+disk\.qcow2 \S+disk\.raw`/,
  ],
  ['a CD image', 'cd.iso', [], /is an ISO 9660 image/, /`sudo mount -o loop,ro \S+cd\.iso \/mnt`/],
  ['several Linux partitions', 'two.img', [], /1 \(linux, 1 MiB\), 2 \(linux, 1 MiB\)/, /--partition N/],
  [
    'no Linux partition',
    'fat.img',
    [],
    /no Linux partition; its partitions are 1 \(FAT, 1 MiB\)/,
    /--partition N/,
  ],
  [
    'no such partition',
    'sd.img',
    ['--partition', '7'],
    /no partition 7: its partitions are 1 \(FAT/,
    /another --partition/,
  ],
  ['a partition without a file system', 'lvm.img', [], /partition 1 of \S+ has no ext/, /LVM and LUKS/],
  ['no number', 'sd.img', ['--partition', 'two'], /invalid value for --partition: "two"/, /--partition 2/],
  [
    'a partition of a file that is not an image',
    'text',
    ['--partition', '1'],
    /has no partition table/,
    /omit --partition/,
  ],
  ['a partition of a directory', '.', ['--partition', '1'], /is not a disk image/, /omit --partition/],
] as const)('refuses %s', async (_, name, options, message, hint) => {
  const { status, stdout, stderr } = await binfmtctl([
    'enter',
    '--store',
    folder('store'),
    ...options,
    folder(name),
  ]);
  expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  const [first = '', second = '', ...rest] = stderr.split('\n');
  expect(first).toMatch(message);
  expect(second).toMatch(hint);
  expect(rest).toEqual(['']);
});

it.each([
  ['a plain user', AS_USER],
  ['root of a user namespace', []],
])('names the commands that mount an image, for %s', async (_, within) => {
  const { status, stderr } = await binfmtctl(['enter', folder('sd.img')], {
    within,
    env: { HOME: folder() },
  });
  expect(status).toBe(125);
  const mount = `mount -t ext4 -o loop,offset=${32 * SECTOR},sizelimit=${16 * SECTOR},nosuid,nodev ${folder('sd.img')} /mnt`;
  expect(stderr).toContain(': root on the host is required\n');
  expect(stderr).toContain(`\`binfmtctl enter ${folder('sd.img')}\`, or \`${mount}\``);
});

it('reports that a user may not read an image', async () => {
  chmodSync(folder('two.img'), 0o600);
  const { status, stderr } = await binfmtctl(['enter', folder('two.img')], {
    within: AS_USER,
    env: { HOME: folder() },
  });
  expect(status).toBe(125);
  expect(stderr).toMatch(/^binfmtctl: cannot read \S+two\.img: permission denied\n/);
});
