import { BinfmtctlError } from '../errors.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Rule } from '../rule/types.ts';
import { replacement } from '../state/replacement.ts';
import type { Step } from '../state/steps.ts';

/** The current entries. */
export interface CurrentState {
  /** Newest first, as the kernel tries them. */
  readonly entries: readonly Entry[];
  /** Names of the entries that binfmtctl registered. */
  readonly ours: ReadonlySet<string>;
  /** Names of the entries with flag F that do not run the file at their interpreter's path. */
  readonly outdated?: ReadonlySet<string> | undefined;
  /** Names of the entries that a newer entry shadows. */
  readonly shadowed?: ReadonlySet<string> | undefined;
}

/** A file with its desired and its current text. */
export interface DesiredFile {
  readonly path: string;
  readonly text: string;
  readonly previous: string | null;
}

/** The desired rule and files of one architecture. */
export interface DesiredState {
  readonly arch: string;
  readonly rule: Rule;
  /** The registration and the boot files. */
  readonly files: readonly DesiredFile[];
  /** binfmtctl's boot files to remove, with the text to restore; null to delete the file. */
  readonly obsolete?:
    | readonly { readonly path: string; readonly restored: string | null; readonly now: string }[]
    | undefined;
}

export interface PlanOptions {
  /** Replace an entry of the same name that binfmtctl did not register. */
  readonly replace: boolean;
  readonly prove: boolean;
}

/** The change for one architecture: the steps before its probe, the entry to probe, and the steps after the probe. */
interface ArchChange {
  readonly arch: string;
  readonly before: readonly Step[];
  readonly entry: string;
  readonly after: readonly Step[];
}

/**
 * The steps to reach the desired state, in order; only the probe if it is reached already.
 *
 * Replaces an entry without a gap: the new rule is first registered under a staging name. It is then the newest entry, so the
 * kernel uses it. After a successful probe, the old entry is removed, and the new one gets its name.
 *
 * @throws ENTRY_NOT_OURS if another program registered a different entry of the same name.
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
    `entry ${name} already exists with another rule (${rule}) and was not registered by binfmtctl`,
    { hint: '`--replace` replaces it; `binfmtctl status` shows the entries' },
  );
}
