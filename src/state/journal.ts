import * as v from 'valibot';
import { bootFormatOf, ruleInBootFile } from '../boot/boot-file.ts';
import { equalRules } from '../rule/equal.ts';
import { bpfRuleSchema, ruleSchema } from '../rule/schema.ts';
import type { AnyEntry, AnyRule } from '../rule/types.ts';
import { parseJson, toJson } from '../text/json.ts';
import { requireReversible, ruleOf, type Step } from './steps.ts';

/** Written before the first step and removed after the last: what a killed run was about to do. */
export interface Journal {
  /** The kernel's boot and the user namespace that the entries belong to: after a reboot they are gone anyway. */
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
  v.object({
    kind: v.literal('link'),
    path: v.string(),
    target: v.nullable(v.string()),
    previous: v.nullable(v.string()),
  }),
  v.object({ kind: v.literal('prove'), arches: v.array(v.object({ arch: v.string(), entry: v.string() })) }),
]);

const journalSchema = v.object({
  schema: v.literal('binfmtctl/journal/1'),
  bootId: v.string(),
  userNamespace: v.string(),
  steps: v.array(stepSchema),
});

/** BAD_ENTRY for steps of which one could not be taken back. */
export function encodeJournal(journal: Journal): string {
  requireReversible(journal.steps);
  return `${toJson({ schema: 'binfmtctl/journal/1', ...journal })}\n`;
}

/** The journal in a file's text; null if the text is not one. */
export function decodeJournal(text: string): Journal | null {
  const parsed = v.safeParse(journalSchema, parseJson(text));
  return parsed.success ? parsed.output : null;
}

/** What is there now, where a journal was found. */
export interface FoundState {
  readonly entries: readonly AnyEntry[];
  /** Contents of the files that the journal names; null where there is none. */
  readonly files: ReadonlyMap<string, string | null>;
  /** Where the links lead that the journal names: null where there is nothing, empty for what is not a link. */
  readonly links?: ReadonlyMap<string, string | null> | undefined;
  /** Whether it is still the boot and the user namespace of the journal. */
  readonly sameKernel: boolean;
  /** Whether it is another boot, of the same user namespace: entries come from files that register rules at boot. */
  readonly rebooted?: boolean | undefined;
}

/**
 * The steps that make everything that the journal's steps touch what it was before them. What looks neither as before
 * nor as one of the steps left it was changed by others since, and stays.
 *
 * Entries come back before others go, so that programs find one or the other at any time.
 */
export function planRepair(
  { steps }: Journal,
  { entries, files, links = new Map(), sameKernel, rebooted = false }: FoundState,
): readonly Step[] {
  const looks = new Map<string, Look[]>();
  for (const { key, before, after } of steps.flatMap((step) => changeOf(step) ?? [])) {
    looks.set(key, [...(looks.get(key) ?? [before]), after]);
  }
  const repairs: Repair[] = [];
  for (const [key, [before = null, ...after]] of looks) {
    const isEntry = key.startsWith(ENTRY);
    const isLink = key.startsWith(LINK);
    const name = key.slice(key.indexOf(' ') + 1);
    const now = isEntry
      ? (entries.find((entry) => entry.name === name) ?? null)
      : ((isLink ? links : files).get(name) ?? null);
    if (sameLook(before, now) || !after.some((look) => sameLook(look, now))) continue;
    // After a reboot an entry that is absent may be one that no service has registered.
    const isFromBoot = isEntry && !sameKernel;
    if (isFromBoot && (!rebooted || now === null)) continue;
    const restored = isFromBoot ? entryOfRestoredFiles(name, looks, files) : before;
    if (restored === undefined || sameLook(restored, now)) continue;
    const turn = !isEntry ? 2 : restored === null ? 1 : 0;
    const steps = isLink ? linkSteps(name, now, restored) : stepsBetween(name, now, restored);
    repairs.push({ turn, steps });
  }
  return repairs.toSorted((a, b) => a.turn - b.turn).flatMap((repair) => repair.steps);
}

/**
 * The entry that the boot files of `name` register once they are restored; null if none of them does, and undefined if the
 * transaction changed none.
 */
function entryOfRestoredFiles(
  name: string,
  looks: ReadonlyMap<string, readonly Look[]>,
  files: ReadonlyMap<string, string | null>,
): Look | undefined {
  const bootFiles = [...looks].flatMap(([key, [before = null, ...after]]) => {
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
  readonly turn: number;
  readonly steps: readonly Step[];
}

/** What a thing that steps touch looks like: an entry, a file's text, or nothing. */
type Look = (AnyRule & { readonly enabled: boolean | 'either' }) | string | null;

const ENTRY = 'entry ';
const FILE = 'file ';
const LINK = 'link ';

interface JournalChange {
  readonly key: string;
  readonly before: Look;
  readonly after: Look;
}

/** What a step touches; null for one that changes nothing. */
function changeOf(step: Step): JournalChange | null {
  switch (step.kind) {
    case 'register':
      // From Linux 7.3 on a rule is registered disabled, and a kill may come before it is enabled.
      return { key: ENTRY + step.rule.name, before: null, after: { ...step.rule, enabled: 'either' } };
    case 'unregister':
      return { key: ENTRY + step.entry.name, before: step.entry, after: null };
    case 'enable':
    case 'disable': {
      const look = (enabled: boolean): Look => ({ ...step.entry, enabled });
      const enables = step.kind === 'enable';
      return { key: ENTRY + step.entry.name, before: look(!enables), after: look(enables) };
    }
    case 'write':
      return { key: FILE + step.path, before: step.previous, after: step.text };
    case 'delete':
      return { key: FILE + step.path, before: step.previous, after: null };
    case 'link':
      return { key: LINK + step.path, before: step.previous, after: step.target };
    case 'prove':
      return null;
  }
}

function sameLook(a: Look, b: Look): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b;
  return (a.enabled === 'either' || a.enabled === b.enabled) && equalRules(a, b);
}

function linkSteps(path: string, now: Look, before: Look): readonly Step[] {
  const [previous, target] = [now, before].map((look) => (typeof look === 'string' ? look : null));
  return [{ kind: 'link', path, target: target ?? null, previous: previous ?? null }];
}

function stepsBetween(name: string, now: AnyEntry | string | null, before: Look): readonly Step[] {
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
