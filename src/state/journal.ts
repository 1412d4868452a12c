import * as v from 'valibot';
import { bootFormatOf, ruleInBootFile } from '../boot/boot-file.ts';
import { equalRules } from '../rule/equal.ts';
import { bpfRuleSchema, ruleSchema } from '../rule/schema.ts';
import type { AnyEntry, AnyRule } from '../rule/types.ts';
import { parseJson, toJson } from '../text/json.ts';
import { requireReversible, ruleOf, type Step } from './steps.ts';

/** The steps of a transaction. Written before the first step and removed after the last, so that it survives only a killed run. */
export interface Journal {
  /** Boot and user namespace that the entries belong to: a reboot removes the entries. */
  readonly bootId: string;
  readonly userNamespace: string;
  readonly steps: readonly Step[];
}

const anyRuleSchema = v.union([ruleSchema, bpfRuleSchema]);
const anyEntrySchema = v.union([
  v.object({ ...ruleSchema.entries, enabled: v.boolean() }),
  v.object({ ...bpfRuleSchema.entries, enabled: v.boolean() }),
]);

const stepSchema = v.variant('kind', [
  v.object({ kind: v.literal('register'), rule: anyRuleSchema }),
  v.object({ kind: v.literal('unregister'), entry: anyEntrySchema }),
  v.object({ kind: v.literal('enable'), entry: anyEntrySchema }),
  v.object({ kind: v.literal('disable'), entry: anyEntrySchema }),
  v.object({
    kind: v.literal('write'),
    path: v.string(),
    text: v.string(),
    previous: v.nullable(v.string()),
  }),
  v.object({ kind: v.literal('delete'), path: v.string(), previous: v.string() }),
  v.object({ kind: v.literal('prove'), arches: v.array(v.object({ arch: v.string(), entry: v.string() })) }),
]);

const journalSchema = v.object({
  schema: v.literal('binfmtctl/journal/1'),
  bootId: v.string(),
  userNamespace: v.string(),
  steps: v.array(stepSchema),
});

/** The text of a journal file. @throws BAD_ENTRY if a step cannot be undone. */
export function encodeJournal(journal: Journal): string {
  requireReversible(journal.steps);
  return `${toJson({ schema: 'binfmtctl/journal/1', ...journal })}\n`;
}

/** The journal in a file's text; null if the text is not one. */
export function decodeJournal(text: string): Journal | null {
  const parsed = v.safeParse(journalSchema, parseJson(text));
  return parsed.success ? parsed.output : null;
}

/** The machine's state when a journal is found. */
export interface FoundState {
  readonly entries: readonly AnyEntry[];
  /** Contents of the files that the journal names; null for a missing file. */
  readonly files: ReadonlyMap<string, string | null>;
  /** Whether boot and user namespace are those of the journal. */
  readonly sameKernel: boolean;
  /** Whether only the boot differs: then the present entries come from files that register rules at boot. */
  readonly rebooted?: boolean | undefined;
}

/**
 * The steps that restore every entry and file that the journal's steps touch. An entry or file whose state is neither the
 * one before the journal nor the result of one of its steps was changed by another program since, and is left alone.
 *
 * Old entries are restored before new ones are removed, so that programs find one of the two at any time.
 */
export function planRepair(
  { steps }: Journal,
  { entries, files, sameKernel, rebooted = false }: FoundState,
): readonly Step[] {
  const states = new Map<string, ItemState[]>();
  for (const { key, before, after } of steps.flatMap((step) => changeOf(step) ?? [])) {
    states.set(key, [...(states.get(key) ?? [before]), after]);
  }
  const repairs: Repair[] = [];
  for (const [key, [before = null, ...after]] of states) {
    const isFile = key.startsWith(FILE);
    const name = key.slice(key.indexOf(' ') + 1);
    const now = isFile ? (files.get(name) ?? null) : (entries.find((entry) => entry.name === name) ?? null);
    if (sameState(before, now) || !after.some((state) => sameState(state, now))) continue;
    // After a reboot, an absent entry may just not be registered yet.
    const isFromBoot = !isFile && !sameKernel;
    if (isFromBoot && (!rebooted || now === null)) continue;
    const restored = isFromBoot ? entryOfRestoredFiles(name, states, files) : before;
    if (restored === undefined || sameState(restored, now)) continue;
    const phase = isFile ? 2 : restored === null ? 1 : 0;
    repairs.push({ phase, steps: stepsBetween(name, now, restored) });
  }
  return repairs.toSorted((a, b) => a.phase - b.phase).flatMap((repair) => repair.steps);
}

/**
 * The entry that the boot files of `name` register once they are restored: null if they register none, undefined if the
 * transaction changed no boot file.
 */
function entryOfRestoredFiles(
  name: string,
  states: ReadonlyMap<string, readonly ItemState[]>,
  files: ReadonlyMap<string, string | null>,
): ItemState | undefined {
  const bootFiles = [...states].flatMap(([key, [before = null, ...after]]) => {
    const path = key.startsWith(FILE) ? key.slice(FILE.length) : '';
    if (bootFormatOf(path, name) === null) return [];
    const now = files.get(path) ?? null;
    const isRestored = now !== before && after.includes(now);
    return [{ path, text: isRestored ? before : now, isRestored }];
  });
  if (!bootFiles.some(({ isRestored }) => isRestored)) return undefined;
  const [rule] = bootFiles.flatMap(({ path, text }) =>
    typeof text === 'string' ? (ruleInBootFile(path, name, text) ?? []) : [],
  );
  return rule === undefined ? null : { ...rule, enabled: true };
}

interface Repair {
  readonly phase: number;
  readonly steps: readonly Step[];
}

/** An entry, the text of a file, or null for an absent one. */
type ItemState = (AnyRule & { readonly enabled: boolean | 'either' }) | string | null;

const ENTRY = 'entry ';
const FILE = 'file ';

interface JournalChange {
  readonly key: string;
  readonly before: ItemState;
  readonly after: ItemState;
}

/** The entry or file that a step changes; null for a step that changes nothing. */
function changeOf(step: Step): JournalChange | null {
  switch (step.kind) {
    case 'register':
      // From Linux 7.3 on, a rule is registered disabled and then enabled; a kill may come in between.
      return { key: ENTRY + step.rule.name, before: null, after: { ...step.rule, enabled: 'either' } };
    case 'unregister':
      return { key: ENTRY + step.entry.name, before: step.entry, after: null };
    case 'enable':
    case 'disable': {
      const state = (enabled: boolean): ItemState => ({ ...step.entry, enabled });
      const enables = step.kind === 'enable';
      return { key: ENTRY + step.entry.name, before: state(!enables), after: state(enables) };
    }
    case 'write':
      return { key: FILE + step.path, before: step.previous, after: step.text };
    case 'delete':
      return { key: FILE + step.path, before: step.previous, after: null };
    case 'prove':
      return null;
  }
}

function sameState(a: ItemState, b: ItemState): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b;
  return (a.enabled === 'either' || a.enabled === b.enabled) && equalRules(a, b);
}

function stepsBetween(name: string, now: AnyEntry | string | null, before: ItemState): readonly Step[] {
  if (typeof now === 'string' && before === null) return [{ kind: 'delete', path: name, previous: now }];
  if (typeof before === 'string')
    return [{ kind: 'write', path: name, text: before, previous: typeof now === 'string' ? now : null }];
  if (typeof now === 'string') return [];
  if (before === null) return now === null ? [] : [{ kind: 'unregister', entry: now }];
  const restored: AnyEntry = { ...before, enabled: before.enabled !== false };
  if (now !== null && equalRules(now, restored))
    return [{ kind: restored.enabled ? 'enable' : 'disable', entry: restored }];
  return [
    ...(now === null ? [] : [{ kind: 'unregister', entry: now } as const]),
    { kind: 'register', rule: ruleOf(restored) },
    ...(restored.enabled ? [] : [{ kind: 'disable', entry: restored } as const]),
  ];
}
