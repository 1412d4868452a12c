/** Tags the names of temporary files with their process, so that a later run can tell whether it still exists. */
import { readFileSync, readlinkSync } from 'node:fs';

/** Regular expression of `processTag` results. */
export const PROCESS_TAG = '\\d+\\.\\d+\\.\\d+';

/** Process ID, start time and PID namespace of this process. */
export const processTag = (): string => `${process.pid}.${startTime(process.pid) ?? 0}.${pidNamespace()}`;

/** Whether the process of a tag has ended; null for a process in another PID namespace. */
export function hasEnded(tag: string): boolean | null {
  const [pid = '', start, namespace] = tag.split('.');
  if (namespace !== pidNamespace()) return null;
  return startTime(Number(pid)) !== start;
}

/** Start time in clock ticks since boot: field 22 of proc_pid_stat(5). Null if the process does not exist. */
function startTime(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')')).split(' ')[20] ?? null;
  } catch {
    return null;
  }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}
