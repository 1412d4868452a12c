/** What `import` prints for people. */
import { describe, type Step } from '../../state/steps.ts';
import type { ImportResult } from '../../transfer/import.ts';
import { DONE } from './symbols.ts';
import { markedRows, type Shown, visible } from './terminal.ts';

/** Which entries were registered, replaced or there already; with a dry run the steps. */
export function importText({ dryRun, steps, unchanged }: ImportResult, shown: Shown): string {
  const { added, replaced } = changesOf(steps);
  const done: readonly (readonly [string, readonly string[]])[] = [
    ['registered', added],
    ['replaced', replaced],
    ['disabled', steps.flatMap((step) => (step.kind === 'disable' ? [step.entry.name] : []))],
  ];
  const changes = done
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${DONE} ${what} ${counted(names)}: ${names.join(', ')}`);
  const same =
    unchanged.length > 0 ? [`${DONE} ${counted(unchanged)} registered already: ${unchanged.join(', ')}`] : [];
  const lines = dryRun
    ? [...steps.map((step) => `would ${visible(describe(step))}`), ...markedRows(same.map(row), shown)]
    : markedRows([...changes, ...same].map(row), shown);
  return lines.length === 0 ? 'no rules found\n' : lines.map((line) => `${line}\n`).join('');
}

const row = (text: string): readonly string[] => [text];

const counted = (names: readonly string[]): string =>
  names.length === 1 ? '1 entry' : `${names.length} entries`;

/** A replacement is registered under another name first, which the steps remove again. */
function changesOf(steps: readonly Step[]): {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
} {
  const removedLater = (name: string, from: number): boolean =>
    steps.slice(from).some((step) => step.kind === 'unregister' && step.entry.name === name);
  const names = steps.flatMap((step, index) =>
    step.kind === 'register' && !removedLater(step.rule.name, index) ? [step.rule.name] : [],
  );
  const replaced = names.filter((name) => removedLater(name, 0));
  return { added: names.filter((name) => !replaced.includes(name)), replaced };
}
