import { BinfmtctlError } from '../errors.ts';
import { type AnyEntry, type AnyRule, isBpf } from '../rule/types.ts';

/** One change to the machine. Plain data, so that it can be printed, written to the journal and undone by a later run. */
export type Step =
  | { readonly kind: 'register'; readonly rule: AnyRule }
  | { readonly kind: 'unregister'; readonly entry: AnyEntry }
  | { readonly kind: 'enable'; readonly entry: AnyEntry }
  | { readonly kind: 'disable'; readonly entry: AnyEntry }
  | { readonly kind: 'write'; readonly path: string; readonly text: string; readonly previous: string | null }
  | { readonly kind: 'delete'; readonly path: string; readonly previous: string }
  /** Changes nothing: fails if the probes of these architectures fail. */
  | { readonly kind: 'prove'; readonly arches: readonly { readonly arch: string; readonly entry: string }[] };

/**
 * The steps that undo `step`, in order.
 *
 * Re-registering moves an entry to the front: the kernel does not preserve order.
 */
export function inverse(step: Step): readonly Step[] {
  switch (step.kind) {
    case 'register':
      return [{ kind: 'unregister', entry: { ...step.rule, enabled: true } }];
    case 'unregister': {
      const back: Step = { kind: 'register', rule: ruleOf(step.entry) };
      return step.entry.enabled ? [back] : [back, { kind: 'disable', entry: step.entry }];
    }
    case 'enable':
      return [{ kind: 'disable', entry: step.entry }];
    case 'disable':
      return [{ kind: 'enable', entry: step.entry }];
    case 'write':
      return step.previous === null
        ? [{ kind: 'delete', path: step.path, previous: step.text }]
        : [{ kind: 'write', path: step.path, text: step.previous, previous: step.text }];
    case 'delete':
      return [{ kind: 'write', path: step.path, text: step.previous, previous: null }];
    case 'prove':
      return [];
  }
}

/** A step in one line, for people. */
export function describe(step: Step): string {
  switch (step.kind) {
    case 'register':
      return `register ${step.rule.name} → ${runnerOf(step.rule)} (${step.rule.flags.join('') || 'no flags'})`;
    case 'unregister':
      return `remove entry ${step.entry.name} (${runnerOf(step.entry)})`;
    case 'enable':
    case 'disable':
      return `${step.kind} entry ${step.entry.name}`;
    case 'write':
      return `${step.previous === null ? 'write' : 'replace'} ${step.path}`;
    case 'delete':
      return `delete ${step.path}`;
    case 'prove':
      return `verify ${step.arches.map(({ arch, entry }) => `${arch} through ${entry}`).join(', ')}`;
  }
}

/**
 * Checks that all steps can be undone.
 *
 * @throws BAD_ENTRY if a step removes an entry with settings that binfmtctl does not know and so could not register again.
 */
export function requireReversible(steps: readonly Step[]): void {
  for (const step of steps) {
    if (step.kind !== 'unregister' || isBpf(step.entry) || step.entry.extra === undefined) continue;
    const { name, extra } = step.entry;
    throw new BinfmtctlError(
      'BAD_ENTRY',
      `cannot remove entry ${JSON.stringify(name)}: its settings ${JSON.stringify(extra.join(', '))} are unknown to binfmtctl, so the removal could not be undone`,
      {
        hint: 'nothing was changed; to remove the entry anyway, write -1 to its file in the binfmt_misc directory',
      },
    );
  }
}

const runnerOf = (rule: AnyRule): string => (isBpf(rule) ? `BPF handler ${rule.handler}` : rule.interpreter);

/** The rule that registers an entry again. */
export function ruleOf(entry: AnyEntry): AnyRule {
  const { enabled: _, ...rule } = entry;
  return rule;
}
