/** Disk images as root file systems: finds the partition and the arguments of mount(8). */
import { open, realpath } from 'node:fs/promises';
import type { ReadAt } from '../../elf/linkage.ts';
import { BinfmtctlError } from '../../errors.ts';
import { choosePartition, fileSystemAt, readDiskImage } from '../../rootfs/disk-image.ts';
import type { Partition } from '../../rootfs/partitions.ts';
import { fileError } from '../../system/file/file-error.ts';
import { isFile } from '../../system/file/is-file.ts';
import { inInitialUserNamespace } from '../../system/host.ts';
import { commandLine } from '../../text/shell.ts';

/** Arguments of mount(8) without the mount point. */
type MountArguments = readonly string[];

export interface DiskRequest {
  /** Null for the root partition. */
  readonly partition: number | null;
  /** Whether the image must not be written to. */
  readonly readOnly: boolean;
}

/**
 * The arguments to mount the root file system of a disk image, with a fallback if the first ones fail; null if the path is not a disk
 * image.
 *
 * @throws BAD_SOURCE for an image that cannot be mounted; USAGE for the partition; NO_PRIVILEGE with a command for root;
 * FILE_FAILED.
 */
export async function findDiskMounts(
  path: string,
  request: DiskRequest,
): Promise<readonly MountArguments[] | null> {
  if (!isFile(path)) {
    if (request.partition === null) return null;
    throw new BinfmtctlError('USAGE', `${path} is not a disk image`, { hint: 'omit --partition' });
  }
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const readAt: ReadAt = async (offset, length) => {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    const place = await findImagePart(path, readAt, size, request.partition);
    if (place === null) return null;
    const type = await fileSystemAt(readAt, place.start);
    if (type === null) throw noFileSystem(path, place.number);
    const image = await realpath(path);
    const mount = mountArguments(image, type, place, request.readOnly ? ['ro'] : []);
    if (process.geteuid?.() !== 0 || inInitialUserNamespace() === false) throw notRoot(path, mount);
    if (!request.readOnly || !JOURNALED.includes(type)) return [mount];
    return [mount, mountArguments(image, type, place, ['ro', 'norecovery'])];
  } catch (error) {
    throw fileError(error, `read ${path}`);
  }
}

/** After an unclean unmount, these file systems replay their journal, which writes to the image. */
const JOURNALED: readonly string[] = ['ext4', 'xfs', 'btrfs'];

/** A part of an image. For the whole image, `number` is null and `size` is 0. */
interface ImagePart {
  readonly number: number | null;
  readonly start: number;
  readonly size: number;
}

async function findImagePart(
  path: string,
  readAt: ReadAt,
  size: number,
  requested: number | null,
): Promise<ImagePart | null> {
  const image = await readDiskImage(readAt, size);
  if (image?.kind === 'converted') throw mustConvert(path, image.name, image.qemuFormat);
  if (image?.kind === 'ISO 9660') {
    throw new BinfmtctlError('BAD_SOURCE', `${path} is an ISO 9660 image, not a root file system`, {
      hint: `mount it to look for one: \`${commandLine(['sudo', 'mount', '-o', 'loop,ro', path, '/mnt'])}\``,
    });
  }
  if (image?.kind === 'disk') {
    const partition = choosePartition(image.table, requested);
    if (partition !== null) return partition;
    throw noPartition(path, image.table.partitions, requested);
  }
  if (requested !== null)
    throw new BinfmtctlError('USAGE', `${path} has no partition table`, { hint: 'omit --partition' });
  return image === null ? null : { number: null, start: 0, size: 0 };
}

/** Disables set-user-ID programs and device nodes: another user may have created the file system. */
function mountArguments(
  path: string,
  type: string,
  { start, size }: ImagePart,
  others: readonly string[],
): MountArguments {
  const part = size === 0 ? [] : [`offset=${start}`, `sizelimit=${size}`];
  const options = ['loop', ...part, 'nosuid', 'nodev', ...others];
  return ['-t', type, '-o', options.join(','), path];
}

function mustConvert(path: string, name: string, qemuFormat: string): BinfmtctlError {
  const raw = `${path.replace(/\.(?:qcow2?|vmdk|vhdx?|vdi)$/i, '')}.raw`;
  const command = commandLine(['qemu-img', 'convert', '-f', qemuFormat, '-O', 'raw', path, raw]);
  return new BinfmtctlError('BAD_SOURCE', `cannot mount ${path}: it is ${name}`, {
    hint: `convert it with \`${command}\` (package qemu-utils), then enter ${raw}`,
  });
}

function noPartition(
  path: string,
  partitions: readonly Partition[],
  requested: number | null,
): BinfmtctlError {
  const list = partitions.map(({ number, type, size }) => `${number} (${type}, ${mebibytes(size)})`);
  const all = list.length === 0 ? 'it has no partitions' : `its partitions are ${list.join(', ')}`;
  if (requested !== null) {
    const message = `${path} has no partition ${requested}: ${all}`;
    return new BinfmtctlError('USAGE', message, { hint: 'choose another --partition' });
  }
  const candidates = partitions.filter(({ type }) => ['root', 'linux'].includes(type));
  const why = candidates.length > 1 ? 'several partitions may be the root' : 'no Linux partition';
  return new BinfmtctlError('USAGE', `cannot choose a partition of ${path}: ${why}; ${all}`, {
    hint: 'pass the number of the root file system with --partition N',
  });
}

const mebibytes = (size: number): string => `${Math.ceil(size / 2 ** 20)} MiB`;

function noFileSystem(path: string, number: number | null): BinfmtctlError {
  const message = `partition ${number} of ${path} has no ext, btrfs, xfs, f2fs, erofs or squashfs file system`;
  return new BinfmtctlError('BAD_SOURCE', message, {
    hint: 'choose another --partition; for LVM and LUKS, activate and mount the volume, then enter the mount point',
  });
}

function notRoot(path: string, mount: MountArguments): BinfmtctlError {
  const command = commandLine(['mount', ...mount, '/mnt']);
  return new BinfmtctlError('NO_PRIVILEGE', `cannot mount disk image ${path}: root on the host is required`, {
    hint: `as root: \`${commandLine(['binfmtctl', 'enter', path])}\`, or \`${command}\` and enter /mnt`,
  });
}
