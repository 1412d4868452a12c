import { statSync } from 'node:fs';
import { otherMountNamespaces } from '../system/mount-namespaces.ts';

/** File times are as coarse as the clock's ticks: CONFIG_HZ is at least 100. */
const CLOCK_TICK_MS = 11;

/**
 * Whether another mount namespace holds the instance at `directory`, so that it outlives our mount. Null if that cannot
 * be established: its files are dated in the future.
 *
 * Kernels since 6.7, and stable ones with the backport (5.10.262, 6.1.192), drop all entries with the last mount.
 */
export function isHeldElsewhere(directory: string): boolean | null {
  const status = statSync(`${directory}/status`, { throwIfNoEntry: false });
  if (status === undefined) return null;
  for (const mounts of otherMountNamespaces()) {
    // An automount point is another file system and does not hold the instance.
    if (mounts.some(({ type, device }) => type === 'binfmt_misc' && device === deviceOf(status.dev)))
      return true;
  }
  // A container does not see the processes of its host. But bm_fill_super() makes the files with the first mount:
  // what is older than this process was held before we mounted it.
  if (status.ctimeMs > Date.now() + CLOCK_TICK_MS) return null;
  return status.ctimeMs < performance.timeOrigin - CLOCK_TICK_MS;
}

/** As mountinfo shows it: new_decode_dev() of include/linux/kdev_t.h. */
function deviceOf(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}
