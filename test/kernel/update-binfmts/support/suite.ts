/** One side, for tests that read as the original's own do. */
import { afterAll, beforeEach } from 'vitest';
import type { Planted, Ran, State } from './step.ts';
import { type Maker, startSides } from './twins.ts';

export const MAKERS = ['the original', 'ours'] as const;
export const BINFMT = '/proc/sys/fs/binfmt_misc';

export interface Suite {
  readonly folder: string;
  update(...words: readonly string[]): Promise<Ran>;
  detect(...words: readonly string[]): Promise<Ran>;
  plant(path: string, what: Planted, text: string): Promise<void>;
  /** The lines of an admin file after the last command; null where there is none. */
  admin(name: string): readonly string[] | null;
  /** The lines of an entry after the last command; null where there is none. */
  entry(name: string): readonly string[] | null;
  isMounted(): boolean;
}

/** For the body of a `describe`: everything is as in the beginning before each test. */
export function startSuite(maker: Maker): Suite {
  const side = startSides(maker)[maker];
  afterAll(() => side.stop());
  let state: State = { files: {}, entries: null, status: null, mounts: [] };
  beforeEach(async () => {
    state = (await side.take({ kind: 'reset' })).state;
  });
  const directories = ['--admindir', `${side.folder}/admin`, '--procdir', BINFMT];
  const run = async (program: 'update-binfmts' | 'run-detectors', words: readonly string[]): Promise<Ran> => {
    const answer = await side.take({ kind: 'run', program, words });
    state = answer.state;
    return answer.ran as Ran;
  };
  const linesOf = (text: string | undefined): readonly string[] | null =>
    text?.split('\n').slice(0, -1) ?? null;
  return {
    folder: side.folder,
    update: (...words) =>
      run('update-binfmts', [...directories, '--importdir', `${side.folder}/import`, ...words]),
    detect: (...words) => run('run-detectors', [...directories, ...words]),
    plant: async (path, what, text) => {
      state = (await side.take({ kind: 'plant', path, what, text })).state;
    },
    admin: (name) => linesOf(state.files[`admin/${name}`])?.slice(1) ?? null,
    entry: (name) => linesOf(state.entries?.find(([each]) => each === name)?.[1]),
    isMounted: () => state.mounts.some((each) => each.startsWith(`${BINFMT} `)),
  };
}

export const DONE: Ran = { status: 0, stdout: '', stderr: '' };

export const magicEntry = (
  interpreter: string,
  hex: string,
  more: { offset?: number; mask?: string } = {},
) => [
  ...['enabled', `interpreter ${interpreter}`, 'flags: ', `offset ${more.offset ?? 0}`, `magic ${hex}`],
  ...(more.mask === undefined ? [] : [`mask ${more.mask}`]),
];

export const extensionEntry = (interpreter: string, extension: string) => [
  'enabled',
  `interpreter ${interpreter}`,
  'flags: ',
  `extension .${extension}`,
];
