import { BinfmtctlError } from '../errors.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Rule } from '../rule/types.ts';
import { replacement } from '../state/replacement.ts';
import type { Step } from '../state/steps.ts';
import type { LinkChange } from '../system/change-link.ts';

/** The entries as they are now. */
export interface CurrentState {
  /** Newest first, as the kernel tries them. */
  readonly entries: readonly Entry[];
  /** Names of the entries that we registered. */
  readonly ours: ReadonlySet<string>;
  /** Names of the entries with flag F that do not run the file at their interpreter's path now. */
  readonly outdated?: ReadonlySet<string> | undefined;
  /** Names of the entries whose programs a newer entry takes. */
  readonly shadowed?: ReadonlySet<string> | undefined;
}

/** A file that is to hold `text`, and what it holds now. */
export interface DesiredFile {
  readonly path: string;
  readonly text: string;
  readonly previous: string | null;
}

/** The rule and the files that one arch is to have. */
export interface DesiredState {
  readonly arch: string;
  readonly rule: Rule;
  /** The registration, and what makes the rule last over a reboot. */
  readonly files: readonly DesiredFile[];
  /** Boot files of ours that go, and what is restored in their place; null for nothing. */
  readonly obsolete?:
    | readonly { readonly path: string; readonly restored: string | null; readonly now: string }[]
    | undefined;
  /** Changes of links to the emulator. */
  readonly links?: readonly LinkChange[] | undefined;
}

export interface PlanOptions {
  /** Take over an entry of that name that is not ours. */
  readonly replace: boolean;
  readonly prove: boolean;
}

/** The change for one arch: what brings it, through which entry it is proved, and what then ends a replacement. */
interface ArchChange {
  readonly arch: string;
  readonly before: readonly Step[];
  readonly entry: string;
  readonly after: readonly Step[];
}

/**
 * The steps that make everything in `desired` hold, in order; only the proof is left where it already does.
 *
 * An entry is replaced without a gap: the new rule is registered under a staging name first, where it is the newest
 * and so the one that runs; once it is proved the old entry goes, and the new one gets its name.
 *
 * @throws ENTRY_NOT_OURS where an entry of that name is another one that we did not make.
 */
export function planInstall(
  present: CurrentState,
  desired: readonly DesiredState[],
  options: PlanOptions,
): readonly Step[] {
  const changes = desired.map((each) => changeFor(present, each, { replace: options.replace }));
  const prove = (arches: readonly { arch: string; entry: string }[]): readonly Step[] =>
    options.prove && arches.length > 0 ? [{ kind: 'prove', arches }] : [];
  const files = desired
    .flatMap((each) => each.files)
    .filter(({ text, previous }) => text !== previous)
    .map((file): Step => ({ kind: 'write', ...file }));
  const obsolete = desired
    .flatMap((each) => each.obsolete ?? [])
    .map(
      ({ path, restored, now }): Step =>
        restored === null
          ? { kind: 'delete', path, previous: now }
          : { kind: 'write', path, text: restored, previous: now },
    );
  const swapped = desired.filter((_, index) => (changes[index]?.after.length ?? 0) > 0);
  return [
    ...files,
    ...obsolete,
    ...desired.flatMap(({ links = [] }) => links.map((link): Step => ({ kind: 'link', ...link }))),
    ...changes.flatMap(({ before }) => before),
    ...prove(changes.map(({ arch, entry }) => ({ arch, entry }))),
    ...changes.flatMap(({ after }) => after),
    ...prove(swapped.map(({ arch, rule }) => ({ arch, entry: rule.name }))),
  ];
}

function changeFor(
  present: CurrentState,
  { arch, rule }: DesiredState,
  { replace }: { readonly replace: boolean },
): ArchChange {
  const { entries, ours, outdated, shadowed } = present;
  const entry = entries.find(({ name }) => name === rule.name);
  if (entry === undefined) return { arch, before: [{ kind: 'register', rule }], entry: rule.name, after: [] };
  const isEqual = equalRules(entry, rule);
  // Re-registering moves an entry to the front.
  const isUpToDate = isEqual && !outdated?.has(rule.name) && !shadowed?.has(rule.name);
  if (isUpToDate && !replace) {
    return { arch, before: entry.enabled ? [] : [{ kind: 'enable', entry }], entry: rule.name, after: [] };
  }
  if (!isEqual && !ours.has(rule.name) && !replace) throw notOurs(entry);
  const { staged, stage, swap } = replacement(entry, rule, entries);
  return { arch, before: stage, entry: staged, after: swap };
}

function notOurs({ name, interpreter, flags }: Entry): BinfmtctlError {
  const rule = `${interpreter}, flags ${flags.join('') || 'none'}`;
  return new BinfmtctlError(
    'ENTRY_NOT_OURS',
    `entry ${name} is there already with another rule (${rule}), and binfmtctl did not make it`,
    { hint: '`--replace` takes it over; `binfmtctl status` shows who runs what now' },
  );
}
