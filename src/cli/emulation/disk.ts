/** `enter` for disk images: runs the command again in a namespace where the image is mounted. */

import { runTools } from '../../emulation/setup-tools.ts';
import { assertStoreTrusted } from '../../emulators/store/trust.ts';
import { findDiskMounts } from '../../enter/mounts/disk.ts';
import { BinfmtctlError } from '../../errors.ts';
import { withMountPoint } from '../../system/namespace/mount-point.ts';
import { runWithMount } from '../../system/namespace/private-mount.ts';
import { withParent } from '../../system/namespace/setup-script.ts';
import { openContext } from '../context.ts';
import { type EmulateOptions, statusOf } from './emulate.ts';

interface DiskOptions extends EmulateOptions {
  readonly partition?: string;
  readonly envFd?: string;
  readonly readOnly?: boolean;
  readonly ephemeral?: boolean;
}

/** Returns the exit status, or null if the file is not a disk image. */
export async function enterDiskImage(rootfs: string, options: DiskOptions): Promise<number | null> {
  const { partition, readOnly, ephemeral, emulationFd, envFd } = options;
  const request = { partition: numberOf(partition), readOnly: readOnly === true || ephemeral === true };
  const mounts = await findDiskMounts(rootfs, request);
  if (mounts === null) {
    if (partition === undefined) return null;
    throw new BinfmtctlError('USAGE', `${rootfs} is not a disk image`, { hint: 'omit --partition' });
  }
  const { store } = await openContext(options);
  // A user who can replace the mount point can have the image mounted elsewhere.
  assertStoreTrusted(store);
  const tools = runTools();
  const descriptors = [emulationFd, envFd].flatMap((each) => (each === undefined ? [] : [Number(each)]));
  return withMountPoint(store, async (place) =>
    statusOf(await runWithMount({ place, mounts, withParent: withParent(tools), tools }, descriptors)),
  );
}

function numberOf(partition: string | undefined): number | null {
  if (partition === undefined) return null;
  if (/^[1-9]\d{0,3}$/.test(partition)) return Number(partition);
  throw new BinfmtctlError('USAGE', `invalid value for --partition: ${JSON.stringify(partition)}`, {
    hint: 'pass the number of a partition, such as --partition 2',
  });
}
