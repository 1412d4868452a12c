/** What `uninstall` prints for people. */
import { isBootFile } from '../../boot/paths.ts';
import type { UninstallResult } from '../../install/uninstall.ts';
import { describe, type Step } from '../../state/steps.ts';
import { withSameOptions } from '../store-options.ts';
import { DONE } from './symbols.ts';
import { markedRows, megabytes, type Shown, sentence, visible } from './terminal.ts';

interface UninstallTextOptions {
  readonly shown: Shown;
  readonly quiet: boolean;
}

/** What was removed and what stays; with a dry run the steps. */
export function uninstallText(result: UninstallResult, { shown, quiet }: UninstallTextOptions): string {
  const { dryRun, damaged, trees } = result;
  const lines = dryRun
    ? plannedLines(result)
    : markedRows(
        doneOf(result).map((text) => [`${DONE} ${text}`]),
        shown,
      );
  const isNothing = lines.length === 0 && damaged.length === 0;
  const stay = quiet || dryRun ? [] : stayingOf(result);
  const kept = trees.length === 0 ? [] : [treesText(trees.length)];
  const said = [...(isNothing ? ['nothing to remove'] : []), ...stay, ...kept];
  return [...lines, ...said.flatMap((text) => sentence(text, shown))].map((line) => `${line}\n`).join('');
}

function plannedLines({ steps, restored }: UninstallResult): readonly string[] {
  return [
    ...steps.map((step) => `would ${visible(describe(step))}`),
    ...restored.map((each) => visible(`would restore ${restoredText(each)}`)),
  ];
}

function doneOf(result: UninstallResult): readonly string[] {
  const { steps, restored, freed } = result;
  const entries = steps.flatMap((step) => (step.kind === 'unregister' ? [step.entry.name] : []));
  const files = (kind: 'delete' | 'write'): readonly string[] =>
    steps.flatMap((step) => (step.kind === kind && isBootFile(step.path) ? [step.path] : []));
  const [deleted, written] = [files('delete'), files('write')];
  const names = steps.flatMap((step) => registrationOf(step) ?? []);
  const gone = names.filter((name) => !entries.includes(name));
  return [
    ...(entries.length > 0
      ? [`removed ${counted(entries.length, 'entry', 'entries')}: ${entries.join(', ')}`]
      : []),
    ...(gone.length > 0
      ? [
          `removed the registration of ${gone.join(', ')}: the kernel has no such ${gone.length === 1 ? 'entry' : 'entries'} of binfmtctl`,
        ]
      : []),
    ...(deleted.length > 0
      ? [`removed ${counted(deleted.length, 'boot file', 'boot files')}: ${deleted.join(', ')}`]
      : []),
    ...(written.length > 0
      ? [`restored ${counted(written.length, 'boot file', 'boot files')}: ${written.join(', ')}`]
      : []),
    ...restored.map((each) => `restored ${restoredText(each)}`),
    ...(freed.emulators > 0
      ? [
          `removed ${counted(freed.emulators, 'emulator', 'emulators')} from the store (${megabytes(freed.bytes)})`,
        ]
      : []),
  ];
}

function stayingOf({ unused, steps }: UninstallResult): readonly string[] {
  if (unused.emulators === 0 || steps.length === 0) return [];
  const what = unused.emulators === 1 ? 'The emulator stays' : 'Emulators stay';
  return [
    `${what} in the store (${megabytes(unused.bytes)}); --purge removes ${unused.emulators === 1 ? 'it' : 'them'}.`,
  ];
}

/** The entry whose registration the step deletes. */
function registrationOf(step: Step): string | null {
  const name = step.kind === 'delete' ? /\/registrations\/([^/]+)\.json$/.exec(step.path)?.[1] : undefined;
  return name === undefined ? null : decodeURIComponent(name);
}

const restoredText = ({ entry, interpreter, path }: UninstallResult['restored'][number]): string =>
  `entry ${entry} → ${interpreter}, as ${path === null ? 'it was before `install`' : `${path} says`}`;

const counted = (number: number, one: string, many: string): string =>
  `${number} ${number === 1 ? one : many}`;

function treesText(trees: number): string {
  const [what, stay] = trees === 1 ? ['tree', 'stays'] : ['trees', 'stay'];
  const prune = withSameOptions('`binfmtctl store prune`');
  return `${trees} unpacked ${what} ${stay} in the store: ${prune} removes what no session uses`;
}
