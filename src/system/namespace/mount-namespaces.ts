import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Mount, parseMountInfo } from './mounts.ts';

/** Limit of the search on machines with many processes. */
const MOST_PROCESSES = 20_000;

/** A mount namespace and a process in it. */
export interface MountNamespace {
  readonly pid: string;
  readonly mounts: readonly Mount[];
}

/**
 * All mount namespaces except that of this process, found through the processes in /proc; that of process 1 comes first. Skips
 * processes that have ended or cannot be read.
 */
export function* otherMountNamespaces(): Generator<MountNamespace> {
  const seen = new Set([mountNamespaceOf('self')]);
  for (const pid of processIds()) {
    const namespace = mountNamespaceOf(pid);
    if (namespace === null || seen.has(namespace)) continue;
    const mounts = mountsOf(pid);
    if (mounts === null) continue;
    seen.add(namespace);
    yield { pid, mounts };
  }
}

/** PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Whether /proc shows the processes of the host, so that process 1 is the host's; null if unknown. */
export function seesMachineProcesses(): boolean | null {
  const pidNamespace = linkOf('/proc/self/ns/pid');
  return pidNamespace === null ? null : pidNamespace === INITIAL_PID_NAMESPACE;
}

/** The kernel's name of a process: the first 15 bytes of its program's name (proc_pid_comm(5)). */
export function processName(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '?';
  }
}

/** MNT_NS_INIT_INO of include/uapi/linux/nsfs.h (Linux 6.18). Earlier kernels number it like all others, from 4026531840. */
const INITIAL_MOUNT_NAMESPACE = 'mnt:[4026531832]';

/** Whether this process is known to be in the initial mount namespace; false before Linux 6.18. Any user may ask. */
export const inInitialMountNamespace = (): boolean => linkOf('/proc/self/ns/mnt') === INITIAL_MOUNT_NAMESPACE;

/** Whether this process is in the mount namespace of the host's process 1, whose mounts persist; null if unknown. */
export function inMachineMountNamespace(): boolean | null {
  const isSeen = seesMachineProcesses();
  if (isSeen !== true) return isSeen;
  const [first, own] = [mountNamespaceOf('1'), mountNamespaceOf('self')];
  return first === null || own === null ? null : first === own;
}

function processIds(): readonly string[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .toSorted((a, b) => Number(a) - Number(b))
      .slice(0, MOST_PROCESSES);
  } catch {
    return [];
  }
}

const mountNamespaceOf = (pid: string): string | null => linkOf(`/proc/${pid}/ns/mnt`);

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function mountsOf(pid: string): readonly Mount[] | null {
  try {
    return parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
  } catch {
    return null;
  }
}
