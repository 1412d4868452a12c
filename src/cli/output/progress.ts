import { describeArches, type Progress, type Stage } from '../../context.ts';
import { withSameOptions } from '../store-options.ts';
import { liveTasks } from './live.ts';
import { archName } from './names.ts';
import type { Show } from './show.ts';
import { FAILED } from './symbols.ts';
import { onOneLine, paint, print } from './terminal.ts';

interface ShowOptions {
  readonly quiet: boolean;
  readonly live: boolean;
  readonly verbose?: boolean | undefined;
}

const TITLES: Readonly<Record<Stage, string>> = {
  find: 'Finding emulators',
  fetch: 'Fetching',
  unpack: 'Unpacking',
  register: 'Registering',
  remove: 'Removing',
  prove: 'Verifying',
};

/** A live line per architecture on a terminal, plain lines elsewhere, nothing with `quiet`. */
export async function showProgress({ quiet, live, verbose = false }: ShowOptions): Promise<Show> {
  if (quiet) return { report: () => {}, end: async () => {} };
  const failures = collectFailures();
  const show = live ? await liveTasks() : plainLines({ verbose });
  return {
    report: (progress) => (failures.add(progress) ? undefined : show.report(progress)),
    end: async (failed) => {
      await show.end(failed);
      if (failed) failures.print();
    },
  };
}

/** Seconds since this command was started. */
export const secondsSinceStart = (): number => performance.now() / 1000;

/** Prints a line for each failed architecture if there are several. A single one is named in the error. */
function collectFailures(): { readonly add: (progress: Progress) => boolean; readonly print: () => void } {
  const reasons = new Map<string, string>();
  const arches = new Set<string>();
  return {
    add: (progress) => {
      if (progress.kind === 'failed') reasons.set(progress.arch, progress.text);
      else if (progress.kind !== 'warning') for (const arch of progress.arches ?? []) arches.add(arch);
      return progress.kind === 'failed';
    },
    print: () => {
      if (new Set([...arches, ...reasons.keys()]).size < 2) return;
      const width = Math.max(...[...reasons.keys()].map((arch) => archName(arch).length));
      for (const [arch, why] of reasons) {
        const name = archName(arch).padEnd(width);
        print(`${paint('red', FAILED)} ${name}  ${onOneLine(withSameOptions(why))}\n`, process.stderr);
      }
    },
  };
}

/** Each line once: a decision that is taken again reports the same once more. */
function plainLines({ verbose }: { readonly verbose: boolean }): Show {
  const printed = new Set<string>();
  const once = (line: string): void => {
    if (!printed.has(line)) print(`${onOneLine(line)}\n`, process.stderr);
    printed.add(line);
  };
  return {
    report: (progress) => {
      if (progress.kind === 'warning') once(`warning: ${withSameOptions(progress.text)}`);
      if (progress.kind !== 'stage') return;
      const { stage, text, arches } = progress;
      if (stage === 'fetch' || stage === 'unpack') return once(`${TITLES[stage]}: ${text}`);
      if (arches !== undefined) {
        const names = describeArches(arches.map((arch) => archName(arch)));
        once(`${TITLES[stage]}${stage === 'find' ? ' for' : ''} ${names}`);
      }
      if (verbose && (stage === 'register' || stage === 'remove')) once(`- ${text}`);
    },
    end: async () => {},
  };
}
