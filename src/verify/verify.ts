import { existsSync } from 'node:fs';
import { listEntries } from '../binfmt/entries.ts';
import { entryIdentity } from '../binfmt/entry-identity.ts';
import type { HeldState } from '../binfmt/held.ts';
import { compareHeld } from '../binfmt/held-file.ts';
import { inspectInstance } from '../binfmt/instance/instance.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { buildProbe, probeEnvironment } from '../elf/probe.ts';
import { openMemo } from '../emulators/memo.ts';
import { isBinfmtctlError } from '../errors.ts';
import {
  argv0Check,
  checkOf,
  credentialsCheck,
  isRoot,
  NOBODY,
  ranWell,
  reportOf,
  type Subject,
  setIdName,
} from '../probe/checks.ts';
import { holdRunning, type Identity } from '../probe/identify.ts';
import { type ProbePlace, type ProbeRun, runProbes } from '../probe/prober.ts';
import { PROBE_TIME_LIMIT_MS } from '../probe/time-limit.ts';
import { type Check, expectationOf, judge, type Observation, type Proof } from '../probe/verdict.ts';
import { withWorkspace } from '../probe/workspace.ts';
import { firstMatch, matches } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import { assertNotInterrupted } from '../state/transaction.ts';
import { isExecutable } from '../system/file/is-file.ts';
import { hasUserId, procProblem } from '../system/host.ts';
import { entryProblem, INSTANCE_DISABLED } from './entry-problem.ts';
import { versionThroughEntry } from './live-version.ts';
import { recordProofs } from './proofs.ts';
import { archesOfRoot } from './root-arches.ts';

export interface VerifyRequest {
  readonly arches: readonly Arch[];
  /** A foreign root to run the probes in, instead of an empty one. */
  readonly root?: string | undefined;
  /** Time limit of each probe, in milliseconds. */
  readonly timeLimitMs?: number | undefined;
}

/**
 * Runs the probes of all architectures in parallel: on the host, and in an empty root within a new mount namespace. If the
 * latter fails, runs the probe in the root and in the namespace separately.
 *
 * Returns one judged proof per architecture, in the order of the request, and records them for `status`, `run` and `enter`. A probe
 * that fails or cannot be started is a result, not an error.
 *
 * @throws INTERRUPTED, because a killed probe says nothing about its emulator; FILE_FAILED and similar for an unusable `root`.
 */
export async function verify(request: VerifyRequest, context: Context): Promise<readonly Proof[]> {
  const { binfmtDirectory } = context;
  const { mounted, enabled } = inspectInstance(binfmtDirectory);
  const entries = mounted ? listEntries(binfmtDirectory) : [];
  const subjects = request.arches.map((arch): Subject => {
    const bytes = buildProbe(arch.elf, arch.probe);
    const entry = enabled === false ? null : firstMatch(entries, bytes, arch.id);
    return {
      arch,
      bytes,
      entry,
      problem: problemOf(
        entry,
        entries.filter(({ pattern }) => matches(pattern, bytes, arch.id)),
        { enabled },
      ),
      identity: entry === null ? null : entryIdentity(binfmtDirectory, entry),
      setUserId: isRoot() && hasUserId(NOBODY) && entry?.flags.includes('C') === true,
    };
  });
  const proofs = (await observe(subjects, request, context)).map((observation): Proof => {
    const { flags, emulator } = observation;
    const promised = expectationOf(flags, emulator);
    const expected = { ...promised, ...(request.root !== undefined && { chroots: true }) };
    return { ...observation, verdict: judge(observation, expected) };
  });
  const present = entries.flatMap((entry) => entryIdentity(binfmtDirectory, entry) ?? []);
  const identified = proofs.flatMap((proof, index) => {
    const identity = subjects[index]?.identity ?? null;
    // An entry registered in the meantime may have run some of the probes.
    return identity !== null && proof.entry !== null && present.includes(identity)
      ? [[identity, proof] as const]
      : [];
  });
  if (request.root === undefined) await recordProofs(identified, present, context);
  return proofs;
}

/** Why no entry runs a probe, or why the matching entry cannot run it; null if no problem is found. */
function problemOf(
  entry: Entry | null,
  matching: readonly Entry[],
  { enabled }: { readonly enabled: boolean | null },
): string | null {
  if (enabled === null) return 'no emulator runs it, and binfmt_misc is not mounted here';
  const nearest = entry ?? matching[0];
  if (nearest === undefined) return enabled ? 'no entry matches it' : INSTANCE_DISABLED;
  const interpreterExists = existsSync(nearest.interpreter);
  return entryProblem(nearest, { instanceEnabled: enabled, interpreterExists, shadowedBy: null });
}

/** Runs the probes. If no directory allows execution, all results are unchecked. */
async function observe(
  subjects: readonly Subject[],
  request: VerifyRequest,
  context: Context,
): Promise<readonly Observation[]> {
  const files = subjects.flatMap(({ arch, bytes, setUserId }) => [
    { name: arch.id, bytes },
    ...(setUserId ? [{ name: setIdName(arch), bytes, setUserId: NOBODY }] : []),
  ]);
  let isReady = false;
  try {
    return await withWorkspace(
      files,
      (directory) => {
        isReady = true;
        const isNoExec = files[0] !== undefined && !isExecutable(`${directory}/${files[0].name}`);
        if (!isNoExec) return prove(subjects, directory, request, context);
        return Promise.resolve(allUnchecked(subjects, `programs in ${directory} cannot be executed`));
      },
      request.root,
    );
  } catch (error) {
    if (isReady || request.root !== undefined || !isBinfmtctlError(error)) throw error;
    return allUnchecked(subjects, error.message);
  }
}

function allUnchecked(subjects: readonly Subject[], why: string): readonly Observation[] {
  const check: Check = { holds: null, why };
  return subjects.map(({ arch, entry }) => ({
    ...{
      arch: arch.id,
      entry: entry?.name ?? null,
      flags: entry?.flags ?? null,
      native: false,
      emulator: null,
      held: null,
    },
    ...{ host: check, chroot: check, mountNamespace: check, argv0: check, credentials: check },
  }));
}

async function prove(
  subjects: readonly Subject[],
  directory: string,
  { root, timeLimitMs = PROBE_TIME_LIMIT_MS }: VerifyRequest,
  context: Context,
): Promise<readonly Observation[]> {
  const ids = subjects.map(({ arch }) => arch.id);
  const memo = await openMemo(context);
  // Emulators are hashed while other probes still run.
  const identities = new Map<string, Promise<Identity>>();
  const held = new Map<string, HeldState | null>();
  const unseen = procProblem();
  const hold = (name: string, pid: number): void => {
    const running = ids.includes(name) && unseen === null ? holdRunning(pid) : null;
    if (running === null) return;
    const identity = running.identify(memo);
    // Awaited below, unless the probes are interrupted.
    identity.catch(() => {});
    identities.set(name, identity);
    const entry = subjects.find(({ arch }) => arch.id === name)?.entry;
    if (entry?.flags.includes('F')) held.set(name, compareHeld(pid, entry.interpreter));
  };
  const run = (
    place: ProbePlace,
    names: readonly string[],
    onWaiting?: (name: string, pid: number) => void,
  ) =>
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
  assertNotInterrupted(context.signal);
  const failing = ids.filter((id) => (!ranWell(host.get(id)) ? false : !ranWell(isolated.get(id))));
  const [chroot, namespace] = await Promise.all([run('chroot', failing), run('mount-namespace', failing)]);
  const rootArches = root === undefined ? [] : await archesOfRoot(root, context.catalogue);
  const observations = await Promise.all(
    subjects.map(async (subject): Promise<Observation> => {
      const { id } = subject.arch;
      const report = reportOf(subject, host.get(id));
      const native = report?.exe === `${directory}/${id}`;
      const check = (run: ProbeRun | undefined, place: string | null) =>
        checkOf(run, subject, place, timeLimitMs);
      const hostCheck = await check(host.get(id), null);
      const emulator =
        native || report === null
          ? null
          : await emulatorOf(await identities.get(id), subject, directory, context);
      const inRoot = await check(chroot.get(id) ?? isolated.get(id), root ?? directory);
      return {
        arch: id,
        entry: native ? null : (subject.entry?.name ?? null),
        flags: native ? null : (subject.entry?.flags ?? null),
        native,
        emulator,
        held: native ? null : (held.get(id) ?? null),
        ...(report !== null && !native && emulator === null
          ? { unidentified: unseen ?? 'it ended before it could be identified' }
          : {}),
        host: hostCheck,
        chroot: inRoot.holds === true ? ofRoot(rootArches, subject.arch, root) : inRoot,
        mountNamespace: await check(namespace.get(id) ?? isolated.get(id), null),
        argv0: argv0Check(report, id),
        credentials: await credentialsCheck(subject, host.get(setIdName(subject.arch)), {
          directory,
          timeLimitMs,
        }),
      };
    }),
  );
  await memo.save();
  return observations;
}

/** A probe needs nothing from the root, so it may run although the root's programs have another architecture. */
function ofRoot(present: readonly Arch[], { id }: Arch, root: string | undefined): Check {
  if (present.length === 0 || present.some((arch) => arch.id === id)) return { holds: true };
  const names = present.map((arch) => arch.id).join(' and ');
  return { holds: false, why: `${root} holds ${names} programs, not ${id}` };
}

/** The emulator of a probe: path and hash of the running program, and its version, if necessary asked for through the entry. */
async function emulatorOf(
  emulator: Identity | undefined,
  { arch }: Subject,
  directory: string,
  context: Context,
): Promise<Proof['emulator']> {
  if (emulator === undefined) return null;
  return emulator.version === null
    ? { ...emulator, version: await versionThroughEntry(`${directory}/${arch.id}`, arch, context) }
    : emulator;
}
