import { statSync, utimesSync } from 'node:fs';
import {
  inMachineMountNamespace,
  otherMountNamespaces,
  processName,
  seesMachineProcesses,
} from '../../system/namespace/mount-namespaces.ts';

/** File times are as coarse as the clock's ticks: CONFIG_HZ is at least 100. */
const CLOCK_TICK_MS = 11;

/**
 * What keeps an instance when our mount namespace ends. `machine`: a mount in the mount namespace of the machine's process 1.
 * `process`: another mount namespace, with a process in it; the machine's process 1 has no mount or, unless `others` is `known`,
 * cannot be seen. `hidden`: a mount namespace without a visible process, which is not that of process 1. `unseen`: the machine or
 * another container, since the instance is older than this process. `none`: nothing. `unknown`: its files are dated in the future.
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
 * What holds the instance at `directory`, besides our mount namespace.
 *
 * Kernels since 6.7, and stable ones with the backport (5.10.262, 6.1.192), drop all entries with the last mount.
 */
export function findHolder(directory: string): Holder {
  if (inMachineMountNamespace() === true) return { kind: 'machine' };
  const status = statSync(`${directory}/status`, { throwIfNoEntry: false });
  if (status === undefined) return { kind: 'unknown' };
  // A container does not see the processes of its host, and cannot tell its own from them.
  const seesAll = seesMachineProcesses() === true;
  // bm_fill_super() makes the files with the first mount: what is older than this process was held before we mounted it.
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
 * Marks an instance that a container mounted first: containers that start later see only that it is older than they are. The mark is
 * the mtime of `status`, which the kernel keeps as long as the instance lasts, and changes nowhere else.
 */
export function markShortLived(directory: string): void {
  setTime(directory, MARK);
}

/** Whether a container that mounted the instance first has marked it. */
export const isShortLived = (directory: string): boolean =>
  statSync(`${directory}/status`, { throwIfNoEntry: false })?.mtimeMs === MARK * 1000;

/** Removes that mark, once the machine holds the instance as well. */
export function unmarkShortLived(directory: string): void {
  if (isShortLived(directory)) setTime(directory, Date.now() / 1000);
}

function setTime(directory: string, seconds: number): void {
  try {
    utimesSync(`${directory}/status`, seconds, seconds);
  } catch {
    // Without the right to change it there is nothing to register either.
  }
}

/** As mountinfo shows it: new_decode_dev() of include/linux/kdev_t.h. */
function deviceOf(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}
