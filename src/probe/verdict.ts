/**
 * Decides whether emulation works. install, verify, status, run, enter and the drop-ins all use this verdict.
 */

import type { HeldState } from '../binfmt/held.ts';
import type { Flag } from '../rule/types.ts';

/** Result of a check. `holds` is null if the check could not be run. */
export interface Check {
  readonly holds: boolean | null;
  /** Why it failed, or could not be run. */
  readonly why?: string | undefined;
}

/** Result of an arch's probe. */
export interface Observation {
  readonly arch: string;
  /**
   * The first entry that matches its programs, in the kernel's order; null if they run natively, or if no such entry is
   * visible.
   */
  readonly entry: string | null;
  /** The flags of that entry; null without an entry. */
  readonly flags: readonly Flag[] | null;
  readonly native: boolean;
  /** The program that actually ran the probe. */
  readonly emulator: {
    readonly path: string;
    readonly sha256: string;
    readonly version: string | null;
    /** The loader that it needs at run time; null if it is static. */
    readonly loader: string | null;
  } | null;
  /** Whether that program is still the file at the interpreter's path. Null without flag F, or if unknown. */
  readonly held: HeldState | null;
  /** Why `emulator` is null although the probe ran. */
  readonly unidentified?: string | undefined;
  readonly host: Check;
  readonly chroot: Check;
  readonly mountNamespace: Check;
  /** Whether the program sees the argv[0] that its caller gave. */
  readonly argv0: Check;
  /** Whether a set-user-ID program gets its owner's rights. */
  readonly credentials: Check;
}

/** An observation with its verdict. */
export interface Proof extends Observation {
  readonly verdict: Verdict;
}

/** What must work in addition to running on the host. */
export interface Expectation {
  readonly chroots: boolean;
  readonly argv0: boolean;
  readonly credentials: boolean;
}

/**
 * `works`: every expected check passed. `fails`: an expected check failed. `unchecked`: no check failed, but some could
 * not be run.
 */
export interface Verdict {
  readonly outcome: 'works' | 'fails' | 'unchecked';
  /** Why it fails or could not be checked; empty if it works. */
  readonly reasons: readonly string[];
  /** What does not work or was not checked, without being expected. */
  readonly limits: readonly string[];
}

/**
 * What the flags of an entry guarantee (Documentation/admin-guide/binfmt-misc.rst): F opens the interpreter at
 * registration, so it works in every root; P preserves argv[0]; C gives programs their owner's credentials. F has no
 * effect for a dynamic emulator, which needs its loader in each root. Nothing is expected of an entry that is not
 * visible.
 */
export function expectationOf(
  flags: readonly Flag[] | null,
  emulator: Observation['emulator'] = null,
): Expectation {
  const has = (flag: Flag): boolean => flags?.includes(flag) === true;
  const isDynamic = emulator !== null && emulator.loader !== null;
  return { chroots: has('F') && !isDynamic, argv0: has('P'), credentials: has('C') };
}

/** Judges an observation by the guarantees of its entry, or by the given expectation. */
export function judge(
  observation: Observation,
  expected: Expectation = expectationOf(observation.flags, observation.emulator),
): Verdict {
  const { host, chroot, mountNamespace, argv0, credentials } = observation;
  // If programs do not run on the host, the other checks are meaningless.
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
    // The caller may lack the privileges for these checks; programs run nevertheless.
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
    .map(([where, { why }]) => `${where}: ${why ?? 'unknown reason'}`);

/** Limits of an entry without F or with a dynamic emulator, whose files must exist in each root. */
function hostOnly(observation: Observation): readonly string[] {
  if (observation.native || observation.chroot.holds === true) return [];
  return [`host only: ${whyHostOnly(observation)}`];
}

function whyHostOnly({ entry, flags, emulator, chroot }: Observation): string {
  if (emulator !== null && emulator.loader !== null) return 'the emulator is dynamic';
  if (entry === null || flags?.includes('F')) return chroot.why ?? 'not checked';
  return `entry ${entry} has no flag F`;
}

/**
 * Limits of an entry without P: the kernel replaces argv[0] by the path of the program (fs/binfmt_misc.c
 * load_misc_binary()).
 */
function withoutArgv0({ native, entry, flags, argv0 }: Observation): readonly string[] {
  if (native || flags === null || flags.includes('P') || argv0.holds !== false) return [];
  return [`argv[0] is not preserved: entry ${entry} has no flag P`];
}
