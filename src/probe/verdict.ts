/**
 * The one place that decides whether emulation works. `verify` observes; install, verify, status, run, enter and the drop-ins
 * all take the verdict from here.
 */

import type { HeldState } from '../binfmt/held.ts';
import type { Flag } from '../rule/types.ts';

/** What one check of a proof showed. `holds` is null if it could not be run here. */
export interface Check {
  readonly holds: boolean | null;
  /** Why it does not hold, or could not be run. */
  readonly why?: string | undefined;
}

/** What the probe of an arch showed. */
export interface Observation {
  readonly arch: string;
  /** The entry that takes its programs, in the kernel's order; null if they run natively, or if no entry is seen to take them. */
  readonly entry: string | null;
  /** The flags of that entry; null without one. */
  readonly flags: readonly Flag[] | null;
  readonly native: boolean;
  /** The program that really ran the probe. */
  readonly emulator: {
    readonly path: string;
    readonly sha256: string;
    readonly version: string | null;
    /** The loader that it needs at run time; null if it is static. */
    readonly loader: string | null;
  } | null;
  /** Whether that is the file at the interpreter's path now. Null without flag F, or if that is not known. */
  readonly held: HeldState | null;
  /** Why `emulator` is null although the probe ran. */
  readonly unidentified?: string | undefined;
  readonly host: Check;
  readonly chroot: Check;
  readonly mountNamespace: Check;
  /** Whether the program sees the argv[0] that its caller gave. */
  readonly argv0: Check;
  /** Whether a set-user-id program gets its owner's rights. */
  readonly credentials: Check;
}

/** An observation, judged by what its entry promises. */
export interface Proof extends Observation {
  readonly verdict: Verdict;
}

/** What has to work besides running on the host. */
export interface Expectation {
  readonly chroots: boolean;
  readonly argv0: boolean;
  readonly credentials: boolean;
}

/**
 * `works`: all that is expected was seen. `fails`: some of it was seen not to work. `unchecked`: nothing failed, but whether programs
 * run could not be checked everywhere.
 */
export interface Verdict {
  readonly outcome: 'works' | 'fails' | 'unchecked';
  /** Why it fails, or could not be checked; empty if it works. */
  readonly reasons: readonly string[];
  /** What does not work or was not checked, and does not have to. */
  readonly limits: readonly string[];
}

/**
 * What the flags of an entry promise (Documentation/admin-guide/binfmt-misc.rst): F opens the interpreter at registration, so that
 * it serves every root; P passes argv[0] on; C gives programs their owner's credentials. A dynamic emulator needs its loader in
 * each root, so that F promises nothing. An entry that cannot be seen promises nothing.
 */
export function expectationOf(
  flags: readonly Flag[] | null,
  emulator: Observation['emulator'] = null,
): Expectation {
  const has = (flag: Flag): boolean => flags?.includes(flag) === true;
  const isDynamic = emulator !== null && emulator.loader !== null;
  return { chroots: has('F') && !isDynamic, argv0: has('P'), credentials: has('C') };
}

/** Judges an observation by what its entry promises, or by what else is expected of it. */
export function judge(
  observation: Observation,
  expected: Expectation = expectationOf(observation.flags, observation.emulator),
): Verdict {
  const { host, chroot, mountNamespace, argv0, credentials } = observation;
  // A program that does not run here says nothing about the rest.
  if (host.holds !== true) {
    const outcome = host.holds === false ? 'fails' : 'unchecked';
    return { outcome, reasons: sentences([['on the host', host]], host.holds), limits: [] };
  }
  const places: readonly NamedCheck[] = expected.chroots
    ? [
        ['in a chroot', chroot],
        ['in a new mount namespace', mountNamespace],
      ]
    : [];
  const rights: readonly NamedCheck[] = [
    ...(expected.argv0 ? [['argv[0]', argv0] as const] : []),
    ...(expected.credentials ? [['credentials', credentials] as const] : []),
  ];
  const failures = sentences([...places, ...rights], false);
  const unchecked = sentences(places, null);
  const limits = [
    ...(expected.chroots ? [] : hostOnly(observation)),
    ...(expected.argv0 ? [] : withoutArgv0(observation)),
    // They are about privileges, which the caller may lack: programs run all the same.
    ...sentences(rights, null).map((each) => `${each} (not checked)`),
  ];
  if (failures.length > 0) return { outcome: 'fails', reasons: failures, limits };
  if (unchecked.length > 0) return { outcome: 'unchecked', reasons: unchecked, limits };
  return { outcome: 'works', reasons: [], limits };
}

type NamedCheck = readonly [where: string, check: Check];

const sentences = (checks: readonly NamedCheck[], holds: false | null): readonly string[] =>
  checks
    .filter(([, check]) => check.holds === holds)
    .map(([where, { why }]) => `${where}: ${why ?? 'no reason is known'}`);

/** An entry without F, or with a dynamic emulator, depends on the root that its files are looked up in. */
function hostOnly(observation: Observation): readonly string[] {
  if (observation.native || observation.chroot.holds === true) return [];
  return [`host only: ${whyHostOnly(observation)}`];
}

function whyHostOnly({ entry, flags, emulator, chroot }: Observation): string {
  if (emulator !== null && emulator.loader !== null) return 'the emulator is dynamic';
  if (entry === null || flags?.includes('F')) return chroot.why ?? 'not checked';
  return `entry ${entry} has no flag F`;
}

/** Without P the kernel replaces argv[0] by the path of the program (fs/binfmt_misc.c load_misc_binary()). */
function withoutArgv0({ native, entry, flags, argv0 }: Observation): readonly string[] {
  if (native || flags === null || flags.includes('P') || argv0.holds !== false) return [];
  return [`argv[0] is not preserved: entry ${entry} has no flag P`];
}
