import { statSync } from 'node:fs';
import { otherMountNamespaces, processName, seesMachineProcesses } from '../system/mount-namespaces.ts';

/** File times are as coarse as the clock's ticks: CONFIG_HZ is at least 100. */
const CLOCK_TICK_MS = 11;

/**
 * What keeps an instance when our mount namespace ends. `machine`: a mount in the mount namespace of the machine's process 1.
 * `process`: another mount namespace alone, with the process that was seen in it. `unseen`: a mount that is older than this
 * process, in a mount namespace that cannot be seen. `none`: nothing. `unknown`: its files are dated in the future.
 */
export type Holder =
  | { readonly kind: 'machine' | 'unseen' | 'none' | 'unknown' }
  | { readonly kind: 'process'; readonly pid: string; readonly name: string };

/**
 * What holds the instance at `directory`, besides our mount namespace.
 *
 * Kernels since 6.7, and stable ones with the backport (5.10.262, 6.1.192), drop all entries with the last mount.
 */
export function findHolder(directory: string): Holder {
  const status = statSync(`${directory}/status`, { throwIfNoEntry: false });
  if (status === undefined) return { kind: 'unknown' };
  // A container does not see the processes of its host, and cannot tell its own from them.
  const seesAll = seesMachineProcesses() === true;
  // bm_fill_super() makes the files with the first mount: what is older than this process was held before we mounted it.
  const isOlder = status.ctimeMs < performance.timeOrigin - CLOCK_TICK_MS;
  if (!seesAll && isOlder) return { kind: 'unseen' };
  for (const { pid, mounts } of otherMountNamespaces()) {
    // An automount point is another file system and does not hold the instance.
    const isHeld = mounts.some(
      ({ type, device }) => type === 'binfmt_misc' && device === deviceOf(status.dev),
    );
    if (isHeld)
      return seesAll && pid === '1' ? { kind: 'machine' } : { kind: 'process', pid, name: processName(pid) };
  }
  if (status.ctimeMs > Date.now() + CLOCK_TICK_MS) return { kind: 'unknown' };
  return { kind: isOlder ? 'unseen' : 'none' };
}

/** As mountinfo shows it: new_decode_dev() of include/linux/kdev_t.h. */
function deviceOf(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return `${major}:${minor}`;
}
