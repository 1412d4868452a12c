import type { Arch } from '../catalogue/types.ts';
import { buildProbe, decodeReport, PROBE_EXIT_STATUS, probeEnvironment } from '../elf/probe.ts';
import type { ProbeReport } from '../elf/types.ts';
import { type Memo, openMemo } from '../emulators/memo.ts';
import { listEntries } from '../kernel/entries.ts';
import { firstMatch } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import { hasUserId } from '../system/host.ts';
import type { Context } from './context.ts';
import { holdRunning, type Running } from './identify.ts';
import { versionThroughEntry } from './live-version.ts';
import { type Place, type ProbeRun, runProbes } from './prober.ts';
import type { Check, Proof } from './proof.ts';
import { refuseInterrupted } from './transaction.ts';
import { withWorkspace } from './workspace.ts';

export interface VerifyRequest {
  readonly arches: readonly Arch[];
  /** A foreign root to run in, in place of an empty one. */
  readonly root?: string | undefined;
  /** For each probe, in milliseconds. */
  readonly timeLimitMs?: number | undefined;
}

/** Owner of the set-user-id probe: nobody, whom every system has. */
const NOBODY = 65534;
const TIME_LIMIT_MS = 10_000;

/** A probe on its way: what it is and who is expected to run it. */
interface Subject {
  readonly arch: Arch;
  readonly bytes: Uint8Array;
  readonly entry: Entry | null;
  readonly setUserId: boolean;
}

/**
 * Runs the probes of all arches side by side: on the host, and in an empty root within a new mount namespace. What
 * works under both conditions at once works under each; only where it does not are they tried one by one.
 *
 * Returns one proof an arch, in the order asked for; never throws for a probe that fails.
 *
 * @throws INTERRUPTED: a probe that was ended then says nothing of its emulator.
 */
export async function verify(request: VerifyRequest, context: Context): Promise<readonly Proof[]> {
  const entries = await listEntries(context.binfmtDirectory);
  const subjects = request.arches.map((arch): Subject => {
    const bytes = buildProbe(arch.elf, arch.probe);
    const entry = firstMatch(entries, bytes, arch.id);
    return {
      arch,
      bytes,
      entry,
      setUserId: isRoot() && hasUserId(NOBODY) && entry?.flags.includes('C') === true,
    };
  });
  const files = subjects.flatMap(({ arch, bytes, setUserId }) => [
    { name: arch.id, bytes },
    ...(setUserId ? [{ name: setIdName(arch), bytes, setUserId: NOBODY }] : []),
  ]);
  return withWorkspace(files, (directory) => prove(subjects, directory, request, context), request.root);
}

async function prove(
  subjects: readonly Subject[],
  directory: string,
  { root, timeLimitMs = TIME_LIMIT_MS }: VerifyRequest,
  context: Context,
): Promise<readonly Proof[]> {
  const ids = subjects.map(({ arch }) => arch.id);
  const held = new Map<string, Running>();
  const hold = (name: string, pid: number): void => {
    const running = ids.includes(name) ? holdRunning(pid) : null;
    if (running !== null) held.set(name, running);
  };
  const run = (place: Place, names: readonly string[], onWaiting?: (name: string, pid: number) => void) =>
    names.length === 0
      ? Promise.resolve(new Map<string, ProbeRun>())
      : runProbes(place, {
          directory,
          root,
          names,
          environment: probeEnvironment,
          timeLimitMs,
          signal: context.signal,
          onWaiting,
        });
  const setIds = subjects.filter(({ setUserId }) => setUserId).map(({ arch }) => setIdName(arch));
  const [host, isolated] = await Promise.all([run('host', [...ids, ...setIds], hold), run('isolated', ids)]);
  refuseInterrupted(context.signal);
  const failing = ids.filter((id) => (!ranWell(host.get(id)) ? false : !ranWell(isolated.get(id))));
  const [chroot, namespace] = await Promise.all([run('chroot', failing), run('mount-namespace', failing)]);
  const memo = await openMemo(context.store);
  const proofs = await Promise.all(
    subjects.map(async (subject): Promise<Proof> => {
      const { id } = subject.arch;
      const report = reportOf(subject, host.get(id));
      const native = report?.exe === `${directory}/${id}`;
      return {
        arch: id,
        entry: native ? null : (subject.entry?.name ?? null),
        native,
        emulator: native ? null : await emulatorOf(held.get(id), subject, directory, memo, context),
        host: checkOf(host.get(id), subject.entry),
        chroot: checkOf(chroot.get(id) ?? isolated.get(id), subject.entry),
        mountNamespace: checkOf(namespace.get(id) ?? isolated.get(id), subject.entry),
        argv0: argv0Check(report, id),
        credentials: credentialsCheck(subject, host.get(setIdName(subject.arch))),
      };
    }),
  );
  await memo.save();
  return proofs;
}

/** Who ran it: path and hash of the live program, and its version, asked for through the entry where it is not known. */
async function emulatorOf(
  running: Running | undefined,
  { arch }: Subject,
  directory: string,
  memo: Memo,
  context: Context,
): Promise<Proof['emulator']> {
  if (running === undefined) return null;
  const emulator = await running.identify(memo);
  return emulator.version === null
    ? { ...emulator, version: await versionThroughEntry(`${directory}/${arch.id}`, arch, context) }
    : emulator;
}

const isRoot = (): boolean => process.geteuid?.() === 0;

function setIdName(arch: Arch): string {
  return `${arch.id}.set-id`;
}

function ranWell(run: ProbeRun | undefined): boolean {
  return run?.status === PROBE_EXIT_STATUS && run.output.length > 0;
}

function reportOf({ arch }: Subject, run: ProbeRun | undefined): ProbeReport | null {
  return run && ranWell(run) ? decodeReport(run.output, arch.elf) : null;
}

function checkOf(run: ProbeRun | undefined, entry: Entry | null): Check {
  if (run === undefined) return { holds: null, why: 'not tried' };
  return ranWell(run) ? { holds: true } : { holds: false, why: failureOf(run, entry) };
}

function argv0Check(report: ProbeReport | null, name: string): Check {
  if (report === null) return { holds: null, why: 'it did not run' };
  return report.argv0 === name
    ? { holds: true }
    : { holds: false, why: `the program was called ${name} but sees ${report.argv0}` };
}

function credentialsCheck({ arch, entry, setUserId }: Subject, run: ProbeRun | undefined): Check {
  if (!entry?.flags.includes('C')) return { holds: null, why: 'the entry has no flag C' };
  if (!isRoot()) return { holds: null, why: 'only root can try it' };
  if (!setUserId || run === undefined)
    return { holds: null, why: `this user namespace has no user ${NOBODY} to try it with` };
  const report = ranWell(run) ? decodeReport(run.output, arch.elf) : null;
  if (report === null) return { holds: false, why: failureOf(run, entry) };
  return report.euid === NOBODY
    ? { holds: true }
    : { holds: false, why: `effective user ${report.euid}, not ${NOBODY}` };
}

/** Why a probe did not end as it should, from its status and what was said on its standard error. */
function failureOf({ status, complaint, output }: ProbeRun, entry: Entry | null): string {
  const said = complaint.split('\n').at(-1)?.trim() ?? '';
  if (status === null) return 'it did not end in time';
  // Whoever starts it says so in words of its own, which depend on the language and on where it looked.
  if (status === 126 || status === 127) {
    return entry === null || entry.flags.includes('F')
      ? 'nothing here can execute it'
      : `${entry.interpreter} cannot be started there (entry ${entry.name} has no flag F)`;
  }
  // 128 and more that are no signal's are what the emulator itself ended with: QEMU's 255.
  if (status > 128 && status <= 128 + 64)
    return `it was ended by signal ${status - 128}${said ? ` (${said})` : ''}`;
  return said || `it ended with status ${status}${output.length === 0 ? ' and said nothing' : ''}`;
}
