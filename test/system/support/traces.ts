/** Possible leftovers of a command: mounts, processes, entries of the machine's instance, and files in a root. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { BINFMT } from './tools.ts';

export interface Traces {
  readonly mounts: readonly string[];
  /** Process ids with their command lines. */
  readonly processes: readonly string[];
  readonly entries: readonly string[];
  /** Path, type, mode, owner, size, time of change and target of every file. */
  readonly files: readonly string[];
}

export function tracesOf(...roots: readonly string[]): Traces {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n'),
    processes: processes(),
    entries: readdirSync(BINFMT).sort(),
    files: roots.flatMap(filesIn),
  };
}

/** Waits until killed processes have ended, and requires the previous state. */
export async function expectSameTraces(before: Traces, ...roots: readonly string[]): Promise<void> {
  // Hooks also call this, where expect.poll() is unavailable.
  await vi.waitFor(() => expect(processes()).toEqual(before.processes), { timeout: 600_000, interval: 50 });
  const after = tracesOf(...roots);
  const [old, present] = [new Set(before.files), new Set(after.files)];
  const gone = before.files.filter((line) => !present.has(line));
  const come = after.files.filter((line) => !old.has(line));
  expect({ ...after, files: [], gone, come }).toEqual({ ...before, files: [], gone: [], come: [] });
}

/** The state letter of a process (proc_pid_stat(5)); null if it has ended. */
export function stateOf(pid: number): string | null {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Running processes whose command line contains the text. */
export function processesWith(text: string): readonly number[] {
  return processes()
    .filter((line) => line.includes(text))
    .map((line) => Number.parseInt(line, 10));
}

// The first process of the namespace is no init, and leaves zombies, which have no command line.
function processes(): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => `${pid} ${commandLine(pid)}`).filter((line) => !line.endsWith(' '));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function filesIn(root: string): readonly string[] {
  const form = '%P %y %m %U:%G %s %T@ %l\\n';
  const text = execFileSync('find', [root, '-xdev', '-printf', form], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return text.split('\n').sort();
}
