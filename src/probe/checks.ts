/** Checks the result of an arch's probe. */
import { realpathSync } from 'node:fs';
import type { Arch } from '../catalogue/types.ts';
import { decodeReport, PROBE_EXIT_STATUS } from '../elf/probe.ts';
import type { ProbeReport } from '../elf/types.ts';
import type { Entry } from '../rule/types.ts';
import { flagsAt } from '../system/namespace/mounts.ts';
import { explainFailure } from './failure.ts';
import type { ProbeRun } from './prober.ts';
import type { Check } from './verdict.ts';

/** Owner of the set-user-ID probe: the user `nobody`, which every system has. */
export const NOBODY = 65534;

/** A probe and the entry that should run it. */
export interface Subject {
  readonly arch: Arch;
  readonly bytes: Uint8Array;
  readonly entry: Entry | null;
  /** Why no entry matches it, or why that entry cannot run it; null if no problem is known. */
  readonly problem: string | null;
  /** Identity of the entry before the probe. */
  readonly identity: string | null;
  readonly setUserId: boolean;
}

export const isRoot = (): boolean => process.geteuid?.() === 0;

export function setIdName(arch: Arch): string {
  return `${arch.id}.set-id`;
}

export function ranWell(run: ProbeRun | undefined): boolean {
  return run?.status === PROBE_EXIT_STATUS && run.output.length > 0;
}

export function reportOf({ arch }: Subject, run: ProbeRun | undefined): ProbeReport | null {
  return run && ranWell(run) ? decodeReport(run.output, arch.elf) : null;
}

export async function checkOf(
  run: ProbeRun | undefined,
  { entry, problem }: Subject,
  root: string | null,
  timeLimitMs: number,
): Promise<Check> {
  if (run === undefined) return { holds: null, why: 'not tried' };
  if (run.notStarted !== null) return { holds: null, why: run.notStarted };
  if (ranWell(run)) return { holds: true };
  return { holds: false, why: await explainFailure(run, { entry, problem, root, timeLimitMs }) };
}

export function argv0Check(report: ProbeReport | null, name: string): Check {
  if (report === null) return { holds: null, why: 'the program did not run' };
  return report.argv0 === name
    ? { holds: true }
    : { holds: false, why: `the program was started as ${name} but sees ${report.argv0}` };
}

export async function credentialsCheck(
  subject: Subject,
  run: ProbeRun | undefined,
  { directory, timeLimitMs }: { readonly directory: string; readonly timeLimitMs: number },
): Promise<Check> {
  const { arch, entry, setUserId } = subject;
  if (!entry?.flags.includes('C')) return { holds: null, why: 'the entry has no flag C' };
  if (!isRoot()) return { holds: null, why: 'the check requires root' };
  if (!setUserId || run === undefined)
    return { holds: null, why: `user ${NOBODY} does not exist in this user namespace` };
  if (flagsAt(realpathSync(directory)).includes('nosuid'))
    return { holds: null, why: `${directory} is on a file system mounted nosuid` };
  const report = ranWell(run) ? decodeReport(run.output, arch.elf) : null;
  if (report === null) return checkOf(run, subject, null, timeLimitMs);
  return report.euid === NOBODY
    ? { holds: true }
    : { holds: false, why: `effective user ${report.euid}, not ${NOBODY}` };
}
