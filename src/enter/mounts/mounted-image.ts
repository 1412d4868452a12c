/** A disk image that is mounted for this session. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { BinfmtctlError, isBinfmtctlError } from '../../errors.ts';
import { fileSystemMagic } from '../../system/namespace/mounts.ts';
import type { TakenMount } from '../../system/namespace/private-mount.ts';

export interface MountedImage {
  /** Path of the image. */
  readonly path: string;
  /** The mount point, in the mount namespace of this session. */
  readonly place: string;
  /** The root directory, which may be a subvolume. */
  readonly directory: string;
  /** Whether the image's journal contains changes that the mounted file system lacks. */
  readonly unclean: boolean;
}

/** Finds the root in a mounted image. @throws FILE_FAILED if mount(8) failed. */
export function findMountedRoot(path: string, { place, attempt, complaint }: TakenMount): MountedImage {
  if (attempt === null) throw mountError(path, complaint);
  return { path, place, directory: findRoot(place), unclean: attempt > 0 };
}

/** Warns if the mounted file system lacks changes from the image's journal. */
export function checkClean({ path, unclean }: MountedImage, { report }: Pick<Context, 'report'>): void {
  if (!unclean) return;
  report({
    kind: 'warning',
    text: `${path} was not unmounted cleanly, so its last changes are missing inside`,
  });
}

/** Runs an action whose warnings and errors name the image instead of the mount point. */
export async function namingImage<T>(
  { path, place }: MountedImage,
  context: Context,
  action: (context: Context) => Promise<T>,
): Promise<T> {
  const named = (text: string): string => text.replaceAll(place, path);
  const report: Context['report'] = (progress) =>
    context.report(progress.kind === 'warning' ? { ...progress, text: named(progress.text) } : progress);
  try {
    return await action({ ...context, report });
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    const { code, message, hint, cause } = error;
    throw new BinfmtctlError(code, named(message), { hint: hint === undefined ? hint : named(hint), cause });
  }
}

/** statfs(2). */
const BTRFS_MAGIC = 0x9123683e;
/** Subvolumes that contain `/`, if it is not the default subvolume: Ubuntu and Arch, Fedora, Debian. */
const SUBVOLUMES = ['@', 'root', '@rootfs'];

function findRoot(place: string): string {
  const isRoot = (directory: string): boolean =>
    ['usr', 'bin'].some((name) => existsSync(join(directory, name)));
  if (isRoot(place) || fileSystemMagic(place) !== BTRFS_MAGIC) return place;
  return SUBVOLUMES.map((name) => join(place, name)).find(isRoot) ?? place;
}

function mountError(path: string, complaint: string): BinfmtctlError {
  const reason = complaint
    .split('\n')[0]
    ?.replace(/^mount: (?:\S+: )?/, '')
    .replace(/\.$/, '');
  const unknown = /unknown filesystem type '(\w+)'/.exec(complaint)?.[1];
  return new BinfmtctlError('FILE_FAILED', `cannot mount ${path}: ${reason}`, {
    hint:
      unknown === undefined
        ? 'check that loop devices are available (`losetup -f`), and the kernel log (`dmesg`)'
        : `this kernel does not support ${unknown}; use a machine whose kernel does`,
  });
}
