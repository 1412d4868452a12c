import type { Progress, Stage } from '../../context.ts';
import { withSameOptions } from '../store-options.ts';
import { megabytes, onOneLine, paint, print } from './terminal.ts';

/** Shows how far an operation is, on standard error. */
export interface Show {
  readonly report: (progress: Progress) => void;
  /** To be called when the operation has ended, before anything else is printed. */
  readonly end: (failed: boolean) => Promise<void>;
}

const TITLES: Readonly<Record<Stage, string>> = {
  find: 'Find emulators',
  fetch: 'Fetch emulators',
  unpack: 'Unpack',
  register: 'Register',
  prove: 'Prove',
};

/** Live stages on a terminal, plain lines elsewhere, nothing with `quiet`. */
export async function showProgress({ quiet, live }: { quiet: boolean; live: boolean }): Promise<Show> {
  if (quiet) return { report: () => {}, end: async () => {} };
  return live ? liveStages() : plainLines();
}

function plainLines(): Show {
  let last = '';
  return {
    report: (progress) => {
      // Bytes on their way are for the live display: in a log they would be a line for every bit of a second.
      if (progress.kind === 'bytes') return;
      const line =
        progress.kind === 'warning'
          ? `warning: ${withSameOptions(progress.text)}`
          : `${TITLES[progress.stage]}: ${progress.text}`;
      if (line !== last) print(`${onOneLine(line)}\n`, process.stderr);
      last = line;
    },
    end: async () => {},
  };
}

interface StageTask {
  readonly say: (text: string) => void;
  readonly end: (failed: boolean) => void;
}

async function liveStages(): Promise<Show> {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const output = new ProcessOutput(process.stderr, process.stderr);
  const warnings: string[] = [];
  const runs: Promise<unknown>[] = [];
  let current: { readonly stage: Stage; readonly task: StageTask } | null = null;

  const begin = (stage: Stage): StageTask => {
    let finish: (failed: boolean) => void = () => {};
    let say: (text: string) => void = () => {};
    const ended = new Promise<boolean>((resolve) => {
      finish = resolve;
    });
    const task = {
      title: TITLES[stage],
      task: async (_: unknown, wrapper: { title: string }) => {
        say = (text) => {
          wrapper.title = `${TITLES[stage]} ${paint('dim', text)}`;
        };
        if (await ended) throw new Error('failed');
      },
    };
    const logger = new ListrLogger({ useIcons: true, toStderr: [], processOutput: output });
    const list = new Listr([task], {
      exitOnError: false,
      // Its own handler would end the process before anything is taken back.
      registerSignalListeners: false,
      rendererOptions: { logger, showErrorMessage: false },
    });
    runs.push(list.run());
    return { say: (text) => say(text), end: finish };
  };

  const enter = async (stage: Stage | null, failed = false): Promise<void> => {
    if (current?.stage === stage) return;
    current?.task.end(failed);
    await Promise.all(runs);
    current = stage === null ? null : { stage, task: begin(stage) };
  };
  // Events come faster than the renderer starts and ends, so they wait in a queue.
  let queue = Promise.resolve();
  return {
    report: (progress) => {
      if (progress.kind === 'warning') {
        warnings.push(withSameOptions(progress.text));
        return;
      }
      queue = queue.then(() => enter(progress.stage)).then(() => current?.task.say(textOf(progress)));
    },
    end: async (failed) => {
      await queue.then(() => enter(null, failed));
      for (const text of warnings)
        print(`${paint('yellow', 'warning:')} ${onOneLine(text)}\n`, process.stderr);
    },
  };
}

function textOf(progress: Exclude<Progress, { kind: 'warning' }>): string {
  if (progress.kind === 'stage') return progress.text;
  const { done, total, secondsLeft } = progress;
  const amount = total === null ? megabytes(done) : `${megabytes(done)} of ${megabytes(total)}`;
  return secondsLeft === null ? amount : `${amount}, ${Math.ceil(secondsLeft)} s left`;
}
