import { readLinkage } from '../elf/linkage.ts';
import type { Entry } from '../rule/types.ts';
import { readHead } from '../system/file/head.ts';
import { exists } from '../system/file/is-file.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { ProbeRun } from './prober.ts';

/** What a probe was run through, and where. */
export interface ProbeCircumstances {
  readonly entry: Entry | null;
  /** Why no entry takes the probe, or why the one that does cannot run it; null if nothing is seen to be wrong. */
  readonly problem: string | null;
  /** The root that it ran in; null for the host's. */
  readonly root: string | null;
  readonly timeLimitMs: number;
}

/** Why a probe did not end as it should. */
export async function explainFailure(run: ProbeRun, circumstances: ProbeCircumstances): Promise<string> {
  const { status, complaint, output } = run;
  const { problem, root, entry, timeLimitMs } = circumstances;
  const message = complaint.split('\n').at(-1)?.trim() ?? '';
  if (problem !== null && (root === null || entry === null)) return problem;
  if (status === null) return `did not finish within ${timeLimitMs / 1000} s`;
  const ofStarter = STARTER.exec(message);
  if ((status === 126 || status === 127) && (ofStarter !== null || message === ''))
    return (await missingIn(circumstances)) ?? notExecuted(entry, ofStarter?.[1]);
  // QEMU itself exits with 255.
  if (status > 128 && status <= 128 + 64)
    return `the emulator was killed by signal ${status - 128}${message ? ` (${message})` : ''}`;
  return (
    message || `the emulator exited with status ${status}${output.length === 0 ? ', without output' : ''}`
  );
}

/** What shells and chroot(1) print if execve(2) fails; the errno comes last. */
const STARTER = /^(?:sh|chroot): .*?(?:: ([A-Z][^:]*))?$/;

const notExecuted = (entry: Entry | null, errno = ''): string => {
  const why = errno === '' ? '' : `: ${errno.replace(/^./, (letter) => letter.toLowerCase())}`;
  return entry === null
    ? `nothing executes it${why}`
    : `entry ${entry.name} cannot start ${entry.interpreter}${why}`;
};

/** The file that an interpreter lacks in the root that it is started in; null if that is not known. */
async function missingIn({ entry, root }: ProbeCircumstances): Promise<string | null> {
  if (entry === null) return null;
  const { name, interpreter, flags } = entry;
  const isThere = (path: string): boolean =>
    root === null ? exists(path) : resolveInRoot(root, path) !== null;
  if (!flags.includes('F') && !isThere(interpreter))
    return `interpreter ${interpreter} does not exist there, and entry ${name} has no flag F`;
  const loader = await loaderOf(interpreter);
  if (loader === null || isThere(loader)) return null;
  return `${interpreter} is dynamic, and its loader ${loader} does not exist there`;
}

/** Null for a static program, and for what is not one. */
async function loaderOf(path: string): Promise<string | null> {
  try {
    const readAt = async (offset: number, length: number) => readHead(path, offset + length).subarray(offset);
    return (await readLinkage(readAt)).interpreter;
  } catch {
    return null;
  }
}
