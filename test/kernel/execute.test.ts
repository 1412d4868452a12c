/**
 * Compares the model of an instance, and of execution in it, with the kernel: random system calls on its files, and then
 * random files executed.
 *   EXECUTE_BATCHES=8400 EXECUTE_SEED=1 node scripts/private-instance.mjs -- npx vitest run --project kernel test/kernel/execute.test.ts
 */
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryNames, readEntryFile } from '../../src/binfmt/entry-file.ts';
import { runningKernelFeatures } from '../../src/binfmt/features.ts';
import { formatEntry } from '../../src/rule/entry.ts';
import { execute } from '../../src/rule/execution/execute.ts';
import type { Errno, Executable, Execution } from '../../src/rule/execution/types.ts';
import { decodeText, encodeText } from '../../src/rule/text.ts';
import { isBpf } from '../../src/rule/types.ts';
import { emptyInstance, entriesToTry, type Instance, unlink, write } from '../model/instance.ts';
import { amount } from '../stress.ts';
import { type Handed, type Launcher, startLauncher } from './launcher.ts';
import { type Act, FILES, type Triple, triples } from './support/triples.ts';
import { makeWorld, REPORTED, type World } from './support/world.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const STARTED_IN = process.cwd();
const BATCHES = amount(150, 400, 'EXECUTE_BATCHES');
// A fixed seed, so that results are reproducible; scripts/differential.mjs uses others.
const SEED = Number(process.env['EXECUTE_SEED'] ?? 1);
const ERRNO: Readonly<Record<number, Errno>> = {
  2: 'ENOENT',
  5: 'EIO',
  8: 'ENOEXEC',
  13: 'EACCES',
  20: 'ENOTDIR',
  40: 'ELOOP',
  80: 'ELIBBAD',
};
const AT_EXECFD = 2;
const AT_FLAGS = 8;
/** Status of a report program that could not write, about once in 100,000 runs. */
const UNREPORTED = 199;

const { linux73 } = runningKernelFeatures();
const KERNEL = { linux73, bpf: false, opensBeforeName: true, maxInterpreters: null };
/** Results of acts that must occur often. */
const ANSWERS: readonly Errno[] = ['EINVAL', 'EEXIST', 'ENOENT', 'EACCES', 'ENAMETOOLONG', 'EPERM'];

let directory: string;
let launcher: Launcher;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'execute-'));
  // The model and the launcher resolve relative interpreters from here.
  process.chdir(directory);
  launcher = startLauncher(directory);
});

afterAll(async () => {
  process.chdir(STARTED_IN);
  await launcher.stop();
  rmSync(directory, { recursive: true });
});

describe('the model of an instance', () => {
  it(`predicts ${BATCHES * FILES} rule, file and instance triples`, async () => {
    const seen = new Map<string, number>();
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
    await fc.assert(
      fc.asyncProperty(triples, async (triple) => {
        const world = makeWorld(directory, triple);
        try {
          const { instance, held } = performActs(triple.acts, world, count);
          await compareExecutions(triple, instance, held, world, count);
        } finally {
          empty();
          world.clear();
        }
      }),
      { numRuns: BATCHES, seed: SEED },
    );
    // The generator must reach every outcome often for a meaningful comparison.
    for (const errno of Object.values(ERRNO)) expect([errno, seen.get(errno) ?? 0]).toEqual([errno, often]);
    for (const errno of ANSWERS) expect([errno, seen.get(`act ${errno}`) ?? 0]).toEqual([errno, often]);
    for (const many of [1, 2, 3, 4])
      expect([many, seen.get(`${many} arguments`) ?? 0]).toEqual([many, often]);
    expect(entryNames(INSTANCE)).toEqual([]);
  });
});

const often = expect.toSatisfy((count: number) => count > BATCHES / 100);

interface Performed {
  readonly instance: Instance;
  /** The files that entries with F hold. */
  readonly held: ReadonlyMap<string, Executable>;
}

/** Applies each act to the kernel and to the model, and compares the result and the state afterwards. */
function performActs(acts: readonly Act[], world: World, count: (what: string) => void): Performed {
  let instance = emptyInstance(KERNEL);
  const held = new Map<string, Executable>();
  for (const act of acts) {
    if (act.kind === 'lose') {
      world.lose(act.interpreter);
      continue;
    }
    const text = act.kind === 'write' ? encodeText(world.fill(act.text)) : null;
    const change =
      text === null
        ? unlink(instance, act.file)
        : write(instance, act.file, text, {
            openInterpreter: (path) => errnoIn(world.look(path)),
            hasHandler: () => false,
          });
    expect({ act, errno: tell(act.file, text) }).toEqual({ act, errno: change.errno });
    if (change.errno !== null) count(`act ${change.errno}`);
    const [newest] = change.instance.files;
    if (act.file === 'register' && change.errno === null && newest !== undefined && !isBpf(newest)) {
      const file = world.look(newest.interpreter);
      if (typeof file !== 'string') held.set(newest.name, file);
    }
    instance = change.instance;
    expect({ act, there: kernelShows() }).toEqual({ act, there: modelShows(instance) });
  }
  return { instance, held };
}

const errnoIn = (found: Executable | Errno): Errno | null => (typeof found === 'string' ? found : null);

/** The errno of writing `text`, or of unlink(2) without a text. */
function tell(file: string, text: Uint8Array | null): string | null {
  const path = join(INSTANCE, file);
  try {
    if (text === null) unlinkSync(path);
    else writeTo(path, text);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function writeTo(path: string, text: Uint8Array): void {
  const file = openSync(path, constants.O_WRONLY);
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
}

const kernelShows = () => ({
  status: readFileSync(join(INSTANCE, 'status'), 'utf8'),
  entries: entryNames(INSTANCE).map((name) => [name, decodeText(readEntryFile(INSTANCE, name))]),
});

const modelShows = ({ enabled, files }: Instance) => ({
  status: enabled ? 'enabled\n' : 'disabled\n',
  entries: files.map((entry) => [entry.name, isBpf(entry) ? '' : decodeText(formatEntry(entry))]),
});

function empty(): void {
  writeTo(join(INSTANCE, 'status'), encodeText('1'));
  for (const name of entryNames(INSTANCE)) writeTo(join(INSTANCE, name), encodeText('-1'));
}

type Seen =
  | { readonly errno: Errno }
  | {
      readonly program: number;
      readonly argv: readonly string[];
      readonly flags: bigint;
      readonly open: boolean;
    };

async function compareExecutions(
  { files }: Triple,
  instance: Instance,
  held: ReadonlyMap<string, Executable>,
  world: World,
  count: (what: string) => void,
): Promise<void> {
  const foretold = files.map(({ path, text }) =>
    foretell(
      execute(path, world.executable(text), [path], {
        entries: entriesToTry(instance),
        enabled: instance.enabled,
        open: world.look,
        held: ({ name }) => held.get(name) ?? { head: new Uint8Array(), native: false },
      }),
    ),
  );
  const paths = files.map(({ path }) => encodeText(path));
  let statuses = await launcher.launch(paths);
  let reports = [...launcher.reports()];
  for (let again = 0; again < 3 && statuses.includes(UNREPORTED); again++) {
    statuses = await launcher.launch(paths);
    reports = [...launcher.reports()];
  }
  const kernel = statuses.map((status) =>
    status < REPORTED ? failed(status) : handed(status, reports.shift()),
  );
  files.forEach((file, index) => {
    const expected = foretold[index] as Seen;
    count('errno' in expected ? expected.errno : `${expected.argv.length} arguments`);
    expect({ file, outcome: kernel[index] }).toEqual({ file, outcome: expected });
  });
}

function foretell({ outcome }: Execution): Seen {
  if (outcome.kind === 'fails') return { errno: outcome.errno };
  if (outcome.kind === 'undecided') throw new Error('there are no BPF handlers here');
  const { path, argv, preservesArgv0, transparent, open, programInterpreter } = outcome;
  return {
    program: Number((programInterpreter?.path ?? path).slice(-1)),
    argv,
    flags: (preservesArgv0 ? 1n : 0n) | (transparent ? 2n : 0n),
    open: open !== null,
  };
}

const failed = (status: number): Seen => ({ errno: ERRNO[status] ?? `E${status}` });

function handed(status: number, report: Handed | undefined): Seen {
  const { argv, auxv } = report ?? { argv: [], auxv: new Map<number, bigint>() };
  return {
    program: status - REPORTED,
    argv: argv.map((each) => decodeText(each)),
    flags: auxv.get(AT_FLAGS) ?? 0n,
    open: auxv.has(AT_EXECFD),
  };
}
