import { existsSync } from 'node:fs';
import { readLinkage } from '../elf/linkage.ts';
import type { Entry } from '../rule/types.ts';
import { readHead } from '../system/file/head.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { ProbeRun } from './prober.ts';

/** The entry and root of a probe. */
export interface ProbeCircumstances {
  readonly entry: Entry | null;
  /** Why no entry matches the probe, or why that entry cannot run it; null if no problem is known. */
  readonly problem: string | null;
  /** The root of the probe; null for the host's. */
  readonly root: string | null;
  readonly timeLimitMs: number;
}

/** Explains the failure of a probe. */
export async function explainFailure(run: ProbeRun, circumstances: ProbeCircumstances): Promise<string> {
  const { status, complaint, output } = run;
  const { problem, root, entry, timeLimitMs } = circumstances;
  const message = complaint.split('\n').at(-1)?.trim() ?? '';
  if (problem !== null && (root === null || entry === null)) return problem;
  if (status === null) return `did not finish within ${timeLimitMs / 1000} s`;
  const starterError = STARTER.exec(message);
  if ((status === 126 || status === 127) && (starterError !== null || message === ''))
    return (await missingIn(circumstances)) ?? notExecuted(entry, starterError?.[1]);
  // QEMU itself exits with 255.
  if (status > 128 && status <= 128 + 64)
    return `the emulator was killed by signal ${status - 128}${message ? ` (${message})` : ''}`;
  return (
    message || `the emulator exited with status ${status}${output.length === 0 ? ', without output' : ''}`
  );
}

/** Message of shells and chroot(1) if execve(2) fails; it ends with the errno. */
const STARTER = /^(?:sh|chroot): .*?(?:: ([A-Z][^:]*))?$/;

const notExecuted = (entry: Entry | null, errno = ''): string => {
  const why = errno === '' ? '' : `: ${errno.replace(/^./, (letter) => letter.toLowerCase())}`;
  return entry === null
    ? `no entry executes it${why}`
    : `entry ${entry.name} cannot start ${entry.interpreter}${why}`;
};

/** Explains that a file is missing in the root of the probe; null if that is not the reason. */
async function missingIn({ entry, root }: ProbeCircumstances): Promise<string | null> {
  if (entry === null) return null;
  const { name, interpreter, flags } = entry;
  const exists = (path: string): boolean =>
    root === null ? existsSync(path) : resolveInRoot(root, path) !== null;
  if (!flags.includes('F') && !exists(interpreter))
    return `interpreter ${interpreter} not found in the root, and entry ${name} has no flag F`;
  const loader = await loaderOf(interpreter);
  if (loader === null || exists(loader)) return null;
  return `${interpreter} is dynamic, and its loader ${loader} was not found in the root`;
}

/** Null for static programs and for other files. */
async function loaderOf(path: string): Promise<string | null> {
  try {
    const readAt = async (offset: number, length: number) => readHead(path, offset + length).subarray(offset);
    return (await readLinkage(readAt)).interpreter;
  } catch {
    return null;
  }
}
