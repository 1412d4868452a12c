import { statSync, utimesSync } from 'node:fs';
import {
  inMachineMountNamespace,
  otherMountNamespaces,
  processName,
  seesMachineProcesses,
} from '../../system/namespace/mount-namespaces.ts';

/** File times have the resolution of clock ticks: CONFIG_HZ is at least 100. */
const CLOCK_TICK_MS = 11;

/**
 * What keeps an instance alive when our mount namespace ends.
 *
 * - `machine`: a mount in the mount namespace of the machine's process 1.
 * - `process`: another mount namespace with a process in it. Process 1 of the machine has no mount or, unless `others` is
 *   `known`, is not visible.
 * - `hidden`: a mount namespace without a visible process, other than that of process 1.
 * - `unseen`: the machine or another container, because the instance is older than this process.
 * - `none`: nothing.
 * - `unknown`: its files are dated in the future.
 */
export type Holder =
  | { readonly kind: 'machine' | 'unseen' | 'none' | 'unknown' }
  | { readonly kind: 'hidden' }
  | {
      readonly kind: 'process';
      readonly pid: string;
      readonly name: string;
      readonly others: 'known' | 'unseen';
    };

/**
 * Finds what holds the instance at `directory`, other than our mount namespace.
 *
 * Kernels since 6.7, and stable ones with the backport (5.10.262, 6.1.192), drop all entries with the last mount.
 */
export function findHolder(directory: string): Holder {
  if (inMachineMountNamespace() === true) return { kind: 'machine' };
  const status = statSync(`${directory}/status`, { throwIfNoEntry: false });
  if (status === undefined) return { kind: 'unknown' };
  // Inside a container, only its own processes are visible.
  const seesAll = seesMachineProcesses() === true;
  // bm_fill_super() creates the files at the first mount: if they are older than this process, another mount held the instance.
  const isOlder = status.ctimeMs < performance.timeOrigin - CLOCK_TICK_MS;
  if (!seesAll && isOlder) return { kind: 'unseen' };
  let seesMachine = false;
  for (const { pid, mounts } of otherMountNamespaces()) {
    const isMachine = seesAll && pid === '1';
    if (isMachine) seesMachine = true;
    // An automount point is another file system and does not hold the instance.
    const isHeld = mounts.some(
      ({ type, device }) => type === 'binfmt_misc' && device === deviceOf(status.dev),
    );
    if (!isHeld) continue;
    if (isMachine) return { kind: 'machine' };
    if (seesAll && !seesMachine) return { kind: 'unseen' };
    return { kind: 'process', pid, name: processName(pid), others: seesMachine ? 'known' : 'unseen' };
  }
  if (status.ctimeMs > Date.now() + CLOCK_TICK_MS) return { kind: 'unknown' };
  if (!isOlder) return { kind: 'none' };
  return { kind: seesMachine ? 'hidden' : 'unseen' };
}

/** Seconds; BINFMTFS_MAGIC of include/uapi/linux/magic.h, a moment in 2005. */
const MARK = 0x42494e4d;

/**
 * Marks an instance that a container mounted first, because later containers only see that it is older than they are. The mark is
 * the mtime of `status`: the kernel keeps it as long as the instance exists and never changes it.
 */
export function markShortLived(directory: string): void {
  setTime(directory, MARK);
}

/** Whether the instance has that mark. */
export const isShortLived = (directory: string): boolean =>
  statSync(`${directory}/status`, { throwIfNoEntry: false })?.mtimeMs === MARK * 1000;

/** Removes that mark. Call this once the machine holds the instance as well. */
export function unmarkShortLived(directory: string): void {
  if (isShortLived(directory)) setTime(directory, Date.now() / 1000);
}

function setTime(directory: string, seconds: number): void {
  try {
    utimesSync(`${directory}/status`, seconds, seconds);
  } catch {
    // Without permission to change it, this process cannot register entries either.
  }
}

/** Formats a device as mountinfo does: new_decode_dev() of include/linux/kdev_t.h. */
function deviceOf(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}
