/** Recognizes disk images by their bytes. Pure. */
import type { ReadAt } from '../elf/linkage.ts';
import { type Partition, type PartitionTable, readPartitions } from './partitions.ts';

export type DiskImage =
  /** A format that must be converted; `qemuFormat` is its name in qemu-img(1). */
  | { readonly kind: 'converted'; readonly name: string; readonly qemuFormat: string }
  /** A CD or DVD image. */
  | { readonly kind: 'ISO 9660' }
  /** A file system without a partition table. */
  | { readonly kind: 'file system' }
  | { readonly kind: 'disk'; readonly table: PartitionTable };

const CONVERTED = [
  { magic: 'QFI\xfb', name: 'a QEMU disk image (qcow2)', qemuFormat: 'qcow2' },
  { magic: 'KDMV', name: 'a VMware disk image (VMDK)', qemuFormat: 'vmdk' },
  { magic: '# Disk DescriptorFile', name: 'a VMware disk image (VMDK)', qemuFormat: 'vmdk' },
  { magic: 'vhdxfile', name: 'a Hyper-V disk image (VHDX)', qemuFormat: 'vhdx' },
  { magic: 'conectix', name: 'a Virtual PC disk image (VHD)', qemuFormat: 'vpc' },
  { magic: '\x7f\x10\xda\xbe', at: 64, name: 'a VirtualBox disk image (VDI)', qemuFormat: 'vdi' },
];

/** Type for mount(8), offset and value of the magic number. */
const FILE_SYSTEMS = [
  { type: 'ext4', at: 1080, magic: '\x53\xef' },
  { type: 'btrfs', at: 0x10040, magic: '_BHRfS_M' },
  { type: 'xfs', at: 0, magic: 'XFSB' },
  { type: 'f2fs', at: 1024, magic: '\x10\x20\xf5\xf2' },
  { type: 'erofs', at: 1024, magic: '\xe2\xe1\xf5\xe0' },
  { type: 'squashfs', at: 0, magic: 'hsqs' },
];

const HEAD = 128;

/** Number of bytes needed to recognize an image. */
export const DISK_IMAGE_SIZE = 128 * 1024;

/** Recognizes a disk image; null for other files. */
export async function readDiskImage(readAt: ReadAt, size: number): Promise<DiskImage | null> {
  const head = latin1(await readAt(0, HEAD));
  const converted = CONVERTED.find(({ magic, at = 0 }) => head.startsWith(magic, at));
  if (converted !== undefined)
    return { kind: 'converted', name: converted.name, qemuFormat: converted.qemuFormat };
  if (latin1(await readAt(0x8001, 5)) === 'CD001') return { kind: 'ISO 9660' };
  const table = await readPartitions(readAt, size);
  if (table?.kind === 'GPT') return { kind: 'disk', table };
  if ((await fileSystemAt(readAt, 0)) !== null) return { kind: 'file system' };
  return table === null ? null : { kind: 'disk', table };
}

/** Type, for mount(8), of the file system at an offset; null if it is not one that can hold a root. */
export async function fileSystemAt(readAt: ReadAt, start: number): Promise<string | null> {
  for (const { type, at, magic } of FILE_SYSTEMS)
    if (latin1(await readAt(start + at, magic.length)) === magic) return type;
  return null;
}

/**
 * Chooses the partition to enter: the requested one, else the only one with a root type, else the only Linux partition.
 * Returns null if none qualifies or several do.
 */
export function choosePartition({ partitions }: PartitionTable, requested: number | null): Partition | null {
  if (requested !== null) return partitions.find(({ number }) => number === requested) ?? null;
  for (const type of ['root', 'linux']) {
    const found = partitions.filter((each) => each.type === type);
    if (found.length > 0) return found.length === 1 ? (found[0] ?? null) : null;
  }
  return null;
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
