/** Progress at a terminal: listr2 draws a task per architecture, and removes them when the operation has ended. */
import type { Progress } from '../../context.ts';
import { archName } from './names.ts';
import { printWarning, type Show } from './show.ts';
import { DONE, FAILED, hasUnicode, withSymbols } from './symbols.ts';
import { megabytes, onOneLine } from './terminal.ts';

type Reported = Extract<Progress, { kind: 'stage' } | { kind: 'bytes' }>;

interface Tasks {
  readonly keys: readonly string[];
  readonly say: (keys: readonly string[], text: string) => void;
  readonly end: (failed: boolean) => Promise<void>;
}

/** The task of an operation without architectures. */
const WHOLE = '';

/** Draws live tasks on standard error. Warnings are printed at the end: nothing else may write while tasks are drawn. */
export async function liveTasks(): Promise<Show> {
  const begin = await loadTasks();
  const warnings = new Set<string>();
  let tasks: Tasks | null = null;
  const show = async (progress: Reported): Promise<void> => {
    const keys = progress.arches ?? tasks?.keys ?? [WHOLE];
    if (tasks === null || !keys.every((key) => tasks?.keys.includes(key))) {
      await tasks?.end(false);
      tasks = begin(keys);
    }
    tasks.say(keys, textOf(progress));
  };
  // Events come faster than the renderer starts and ends, so they wait in a queue.
  let queue = Promise.resolve();
  return {
    report: (progress) => {
      if (progress.kind === 'warning') warnings.add(progress.text);
      else if (progress.kind !== 'failed') queue = queue.then(() => show(progress));
    },
    end: async (failed) => {
      await queue;
      await tasks?.end(failed);
      for (const text of warnings) printWarning(text);
    },
  };
}

async function loadTasks(): Promise<(keys: readonly string[]) => Tasks> {
  const {
    DefaultRenderer,
    Listr,
    ListrDefaultRendererLogLevels: levels,
    ListrLogger,
    ProcessOutput,
    Spinner,
  } = await import('listr2');
  /** listr2 looks at standard output, which may be a file while standard error is a terminal. */
  class OnStandardError extends DefaultRenderer {
    static override nonTTY = true as never;
  }
  const icon = { [levels.COMPLETED]: withSymbols(DONE), [levels.FAILED]: withSymbols(FAILED) };
  return (keys) => {
    const width = Math.max(...keys.map((key) => archName(key).length));
    const says = new Map<string, (text: string) => void>();
    const said = new Map<string, string>();
    let finish: (failed: boolean) => void = () => {};
    const ended = new Promise<boolean>((resolve) => {
      finish = resolve;
    });
    const titleOf = (key: string, text = said.get(key) ?? ''): string => {
      const name = key === WHOLE ? '' : `${archName(key).padEnd(width)}  `;
      return onOneLine(`${name}${text}`).slice(0, process.stderr.columns - 4) || ' ';
    };
    const spinner = new Spinner();
    if (!hasUnicode()) Object.assign(spinner, { spinner: ['-', '\\', '|', '/'] });
    const output = new ProcessOutput(process.stderr, process.stderr);
    const list = new Listr(
      keys.map((key) => ({
        title: titleOf(key),
        task: async (_: unknown, wrapper: { title: string }) => {
          says.set(key, (text) => {
            wrapper.title = titleOf(key, text);
          });
          wrapper.title = titleOf(key);
          if (await ended) throw new Error('failed');
        },
      })),
      {
        concurrent: true,
        exitOnError: false,
        // Its own handler would end the process before anything is rolled back.
        registerSignalListeners: false,
        renderer: OnStandardError,
        rendererOptions: {
          clearOutput: true,
          icon,
          logger: new ListrLogger({ useIcons: true, toStderr: [], processOutput: output }),
          showErrorMessage: false,
          spinner,
        },
      },
    );
    const running = list.run();
    return {
      keys,
      say: (of, text) => {
        for (const key of of) {
          said.set(key, text);
          says.get(key)?.(text);
        }
      },
      end: async (failed) => {
        finish(failed);
        await running;
      },
    };
  };
}

const STAGES: Readonly<Record<Reported['stage'], string>> = {
  find: 'finding an emulator',
  fetch: 'fetching',
  unpack: 'unpacking',
  register: 'registering',
  remove: 'removing',
  prove: 'verifying',
};

function textOf(progress: Reported): string {
  const stage = STAGES[progress.stage];
  if (progress.kind === 'stage') {
    return progress.stage === 'fetch' || progress.stage === 'unpack' ? `${stage}: ${progress.text}` : stage;
  }
  const { done, total, secondsLeft } = progress;
  if (total === null) return `${stage} ${megabytes(done)}`;
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  const left = secondsLeft === null ? '' : `, ${Math.ceil(secondsLeft)} s left`;
  return `${stage} ${megabytes(done)} of ${megabytes(total)}, ${percent} %${left}`;
}
