import * as v from 'valibot';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Rule } from '../rule/types.ts';
import { parseJson, ruleSchema, toJson } from './registration.ts';
import { inverse, type Step } from './steps.ts';

/** Written before the first step and removed after the last: what a killed run was about to do. */
export interface Journal {
  /** The kernel's boot and the user namespace that the entries belong to: after a reboot they are gone anyway. */
  readonly bootId: string;
  readonly userNamespace: string;
  readonly steps: readonly Step[];
}

const entrySchema = v.object({ ...ruleSchema.entries, enabled: v.boolean() });

const stepSchema = v.variant('kind', [
  v.object({ kind: v.literal('register'), rule: ruleSchema }),
  v.object({ kind: v.literal('unregister'), entry: entrySchema }),
  v.object({ kind: v.literal('enable'), entry: entrySchema }),
  v.object({ kind: v.literal('disable'), entry: entrySchema }),
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

export function encodeJournal(journal: Journal): string {
  return `${toJson({ schema: 'binfmtctl/journal/1', ...journal })}\n`;
}

/** The journal in a file's text, or null where the text is not one: a run killed while writing it had done nothing. */
export function decodeJournal(text: string): Journal | null {
  const parsed = v.safeParse(journalSchema, parseJson(text));
  return parsed.success ? parsed.output : null;
}

/** What is there now, where a journal was found. */
export interface Found {
  readonly entries: readonly Entry[];
  /** Contents of the files that the journal names; null where there is none. */
  readonly files: ReadonlyMap<string, string | null>;
  /** Whether it is still the boot and the user namespace of the journal. */
  readonly sameKernel: boolean;
}

/**
 * The steps that take back what was done of the journal's steps, last first.
 *
 * Steps are carried out one after another, so what was done is the first k of them: k is the one after which the
 * things they touch would look most like what was found.
 */
export function planRepair({ steps }: Journal, found: Found): readonly Step[] {
  const relevant = steps.filter(
    (step) => found.sameKernel || step.kind === 'write' || step.kind === 'delete',
  );
  const likeness = relevant.map((_, index) => likenessAfter(relevant.slice(0, index + 1), relevant, found));
  const best = Math.max(likenessAfter([], relevant, found), ...likeness);
  const count = likenessAfter([], relevant, found) === best ? 0 : likeness.indexOf(best) + 1;
  return relevant.slice(0, count).toReversed().flatMap(inverse);
}

/** What a thing that steps touch looks like: an entry, a file's text, or nothing. */
type Look = (Rule & { readonly enabled: boolean | 'either' }) | string | null;

function likenessAfter(done: readonly Step[], all: readonly Step[], found: Found): number {
  const looks = new Map<string, Look>();
  for (const step of all.toReversed()) touch(looks, step, 'before');
  for (const step of done) touch(looks, step, 'after');
  return [...looks].filter(([key, look]) => sameLook(look, lookOf(key, found))).length;
}

function touch(looks: Map<string, Look>, step: Step, when: 'before' | 'after'): void {
  const set = (key: string, before: Look, after: Look): unknown =>
    looks.set(key, when === 'before' ? before : after);
  switch (step.kind) {
    case 'register':
      // From Linux 7.3 on a rule is registered disabled, and a kill may come before it is enabled.
      return void set(`entry ${step.rule.name}`, null, { ...step.rule, enabled: 'either' });
    case 'unregister':
      return void set(`entry ${step.entry.name}`, step.entry, null);
    case 'enable':
      return void set(
        `entry ${step.entry.name}`,
        { ...step.entry, enabled: false },
        { ...step.entry, enabled: true },
      );
    case 'disable':
      return void set(
        `entry ${step.entry.name}`,
        { ...step.entry, enabled: true },
        { ...step.entry, enabled: false },
      );
    case 'write':
      return void set(`file ${step.path}`, step.previous, step.text);
    case 'delete':
      return void set(`file ${step.path}`, step.previous, null);
    case 'prove':
  }
}

function lookOf(key: string, { entries, files }: Found): Look {
  const name = key.slice(key.indexOf(' ') + 1);
  return key.startsWith('file ')
    ? (files.get(name) ?? null)
    : (entries.find((entry) => entry.name === name) ?? null);
}

function sameLook(a: Look, b: Look): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b;
  return (a.enabled === 'either' || a.enabled === b.enabled) && equalRules(a, b);
}
