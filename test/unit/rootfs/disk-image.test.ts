import { describe, expect, it } from 'vitest';
import { choosePartition, fileSystemAt, readDiskImage } from '../../../src/rootfs/disk-image.ts';
import { gpt, type MadePartition, mbr, writeMbrEntry } from '../../model/disk-image.ts';

const SIZE = 1 << 20;
const LINUX = '0fc63daf-8483-4772-8e79-3d69d8477de4';
const ROOT_ARM64 = 'b921b045-1df0-41c3-af44-4c6f280d3fae';
const EFI = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';

const readerOf =
  (bytes: Uint8Array) =>
  async (offset: number, length: number): Promise<Uint8Array> =>
    bytes.subarray(offset, offset + length);

/** An image with the given bytes at the given offsets. */
function image(...parts: readonly (readonly [offset: number, bytes: Uint8Array | string])[]) {
  const bytes = Buffer.alloc(SIZE);
  for (const [offset, part] of parts) Buffer.from(part as string, 'latin1').copy(bytes, offset);
  return readDiskImage(readerOf(bytes), SIZE);
}

async function tableOf(bytes: Uint8Array) {
  const found = await image([0, bytes]);
  return found?.kind === 'disk' ? found.table : null;
}

describe('readDiskImage', () => {
  it.each([
    ['qcow2', [0, 'QFI\xfb']],
    ['vmdk', [0, 'KDMV']],
    ['vmdk', [0, '# Disk DescriptorFile\n']],
    ['vhdx', [0, 'vhdxfile']],
    ['vpc', [0, 'conectix']],
    ['vdi', [64, '\x7f\x10\xda\xbe']],
  ] as const)('recognizes formats that must be converted: %s', async (qemuFormat, part) => {
    expect(await image(part)).toMatchObject({ kind: 'converted', qemuFormat });
  });

  it('recognizes a CD image, also if it is a disk image too', async () => {
    const table = mbr([{ start: 64, sectors: 100, type: 0x83 }]);
    expect(await image([0, table], [0x8001, 'CD001'])).toEqual({ kind: 'ISO 9660' });
  });

  it.each([
    ['empty', []],
    ['a text', [[0, 'no image\n']]],
    ['a tar archive', [[257, 'ustar']]],
    [
      'the boot sector of a FAT file system',
      [
        [0, '\xeb\x3c\x90mkfs.fat'],
        [446, 'code'],
        [510, '\x55\xaa'],
      ],
    ],
  ] as const)('returns null for other files: %s', async (_, parts) => {
    expect(await image(...(parts as readonly (readonly [number, string])[]))).toBe(null);
  });

  it('recognizes a file system without a partition table', async () => {
    expect(await image([1080, '\x53\xef'])).toEqual({ kind: 'file system' });
  });

  it('reads an MBR with its logical partitions', async () => {
    const bytes = Buffer.alloc(SIZE);
    mbr([
      { start: 8, sectors: 8, type: 0x0c },
      { start: 32, sectors: 200, type: 0x05 },
    ]).copy(bytes);
    for (const [place, next] of [
      [32, 64],
      [96, 0],
    ] as const) {
      const link = mbr([{ start: 2, sectors: 10, type: 0x83 }]);
      if (next > 0) writeMbrEntry(link, 462, 0x05, next, 100);
      link.copy(bytes, place * 512);
    }
    expect(await tableOf(bytes)).toEqual({
      kind: 'MBR',
      partitions: [
        { number: 1, start: 8 * 512, size: 8 * 512, type: 'FAT' },
        { number: 5, start: 34 * 512, size: 10 * 512, type: 'linux' },
        { number: 6, start: 98 * 512, size: 10 * 512, type: 'linux' },
      ],
    });
  });

  it('terminates for a circular chain of logical partitions', async () => {
    const bytes = Buffer.alloc(SIZE);
    mbr([{ start: 32, sectors: 200, type: 0x0f }]).copy(bytes);
    const link = mbr([{ start: 2, sectors: 10, type: 0x83 }]);
    writeMbrEntry(link, 462, 0x0f, 0, 100);
    link.copy(bytes, 32 * 512);
    expect((await tableOf(bytes))?.partitions).toHaveLength(60);
  });

  it.each([512, 4096])('reads a GPT with sectors of %d bytes', async (sectorSize) => {
    const partitions = [
      { start: 64, sectors: 64, type: EFI },
      { start: 128, sectors: 256, type: ROOT_ARM64 },
    ];
    expect(await tableOf(gpt(partitions, sectorSize))).toEqual({
      kind: 'GPT',
      partitions: [
        { number: 1, start: 64 * 512, size: 64 * 512, type: 'EFI system' },
        { number: 2, start: 128 * 512, size: 256 * 512, type: 'root' },
      ],
    });
  });

  it('omits partitions beyond the end of the disk, and entries of unusual size', async () => {
    const beyond = { start: 64, sectors: SIZE / 512, type: LINUX };
    expect((await tableOf(gpt([beyond])))?.partitions).toEqual([]);
    const forged = gpt([{ start: 64, sectors: 8, type: LINUX }]);
    forged.writeUInt32LE(0xffffffff, 512 + 80);
    expect((await tableOf(forged))?.partitions).toEqual([]);
  });
});

describe('choosePartition', () => {
  const choose = async (partitions: readonly MadePartition[], wanted: number | null = null) => {
    const table = await tableOf(gpt(partitions));
    return table === null ? undefined : choosePartition(table, wanted)?.number;
  };
  const [efi, linux, root] = [EFI, LINUX, ROOT_ARM64].map((type) => ({ start: 64, sectors: 8, type })) as [
    MadePartition,
    MadePartition,
    MadePartition,
  ];

  it.each([
    ['the only Linux partition', [efi, linux], 2],
    ['the only root partition, beside other Linux partitions', [linux, linux, root], 3],
    ['none of several', [linux, linux], undefined],
    ['none of several roots', [root, root, linux], undefined],
    ['none without a Linux partition', [efi], undefined],
  ])('chooses %s', async (_, partitions, number) => {
    expect(await choose(partitions)).toBe(number);
  });

  it('chooses the requested partition', async () => {
    expect(await choose([linux, linux], 2)).toBe(2);
    expect(await choose([linux, linux], 3)).toBe(undefined);
  });
});

it.each([
  ['ext4', 1080, '\x53\xef'],
  ['btrfs', 0x10040, '_BHRfS_M'],
  ['xfs', 0, 'XFSB'],
  ['squashfs', 0, 'hsqs'],
] as const)('fileSystemAt recognizes %s', async (type, at, magic) => {
  const bytes = Buffer.alloc(SIZE);
  bytes.write(magic, 4096 + at, 'latin1');
  expect(await fileSystemAt(readerOf(bytes), 4096)).toBe(type);
  expect(await fileSystemAt(readerOf(bytes), 0)).toBe(null);
});
