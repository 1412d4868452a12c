import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Mount, parseMountInfo } from './mounts.ts';

/** A machine with more processes is searched only as far as this. */
const MOST_PROCESSES = 20_000;

/**
 * The mounts in each mount namespace but ours, as far as /proc shows processes in it. Processes that cannot be read or
 * have ended are skipped.
 */
export function* otherMountNamespaces(): Generator<readonly Mount[]> {
  const seen = new Set([mountNamespaceOf('self')]);
  for (const pid of processIds()) {
    const namespace = mountNamespaceOf(pid);
    if (namespace === null || seen.has(namespace)) continue;
    const mounts = mountsOf(pid);
    if (mounts === null) continue;
    seen.add(namespace);
    yield mounts;
  }
}

/** PROC_PID_INIT_INO of include/linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Whether our mount namespace is that of the machine's process 1, so that its mounts stay; null if /proc does not tell. */
export function inMachineMountNamespace(): boolean | null {
  const pidNamespace = linkOf('/proc/self/ns/pid');
  if (pidNamespace === null) return null;
  if (pidNamespace !== INITIAL_PID_NAMESPACE) return false;
  const [first, own] = [mountNamespaceOf('1'), mountNamespaceOf('self')];
  return first === null || own === null ? null : first === own;
}

function processIds(): readonly string[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
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
