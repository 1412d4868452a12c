/** Our model of execution against the kernel's: random instances, interpreters, scripts and files. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Errno, type Executable, type Execution, execute } from '../../src/rule/execute.ts';
import { formatRegister } from '../../src/rule/register.ts';
import { decodeText, encodeText } from '../../src/rule/text.ts';
import type { Entry, Flag, Pattern, Rule } from '../../src/rule/types.ts';
import { type Handed, type Launcher, reportProgram, startLauncher } from './launcher.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const BATCHES = Number(process.env['EXECUTE_BATCHES'] ?? 400);
const SEED = process.env['EXECUTE_SEED'];
const FILES = 12;
const INTERPRETERS = 5;
const ERRNO: Readonly<Record<number, Errno>> = {
  2: 'ENOENT',
  8: 'ENOEXEC',
  13: 'EACCES',
  20: 'ENOTDIR',
  40: 'ELOOP',
};
const AT_EXECFD = 2;
const AT_FLAGS = 8;
const REPORTED = 200;
/** Of a report program that could not write: once in some 100,000 runs the file system does not take it. */
const UNREPORTED = 199;

/** What stands at an interpreter's path. */
type Kind = 'program' | 'script' | 'foreign' | 'empty' | 'not executable' | 'folder' | 'missing';

interface Interpreter {
  readonly kind: Kind;
  /** First bytes of what is no program. */
  readonly text: string;
  /** Whether it goes once the rules are registered: an entry with F keeps it. */
  readonly removed: boolean;
}

interface Batch {
  readonly interpreters: readonly Interpreter[];
  readonly rules: readonly {
    readonly pattern: Pattern;
    readonly interpreter: number;
    readonly flags: readonly Flag[];
    readonly commands: readonly ('0' | '1')[];
  }[];
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly enabled: boolean;
}

let directory: string;
let launcher: Launcher;
const at = (path: string): string => join(directory, path);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'execute-'));
  launcher = startLauncher(directory);
});

afterAll(async () => {
  await launcher.stop();
  rmSync(directory, { recursive: true });
});

describe('execute', () => {
  it(`foretells ${BATCHES * FILES} executions, argument vectors included`, async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(batches, async (batch) => {
        for (const { foretold, kernel } of await compare(batch)) {
          const what = 'errno' in foretold ? foretold.errno : `${foretold.argv.length} arguments`;
          seen.set(what, (seen.get(what) ?? 0) + 1);
          expect(kernel).toEqual(foretold);
        }
      }),
      { numRuns: BATCHES, ...(SEED !== undefined && { seed: Number(SEED) }) },
    );
    // The generator must reach every outcome often, or the comparison says little.
    for (const errno of Object.values(ERRNO)) expect(seen.get(errno) ?? 0).toBeGreaterThan(BATCHES / 100);
    for (const count of [2, 3, 4]) expect(seen.get(`${count} arguments`) ?? 0).toBeGreaterThan(BATCHES / 100);
    expect(readdirSync(INSTANCE).sort()).toEqual(['register', 'status']);
  });
});

type Seen =
  | { readonly errno: Errno }
  | {
      readonly program: number;
      readonly argv: readonly string[];
      readonly preservesArgv0: boolean;
      readonly open: boolean;
    };

async function compare(batch: Batch): Promise<readonly { foretold: Seen; kernel: Seen }[]> {
  const held = new Map<string, Executable>();
  const entries: Entry[] = [];
  batch.interpreters.forEach(place);
  for (const { path, text } of batch.files)
    writeFileSync(at(path), encodeText(filled(text)), { mode: 0o755 });
  try {
    batch.rules.forEach(({ interpreter, pattern, flags, commands }, index) => {
      const rule = { name: `execute${index}`, pattern, interpreter: pathOf(interpreter), flags };
      const found = look(batch.interpreters, rule.interpreter);
      const errno = register(rule);
      expect(errno).toBe(flags.includes('F') && typeof found === 'string' ? found : null);
      if (errno !== null) return;
      for (const command of commands) writeFileSync(join(INSTANCE, rule.name), command);
      if (typeof found !== 'string') held.set(rule.name, found);
      entries.unshift({ ...rule, flags: [...rule.flags], enabled: commands.at(-1) !== '0' });
    });
    batch.interpreters.forEach(({ removed }, index) => {
      if (removed) remove(index);
    });
    writeFileSync(join(INSTANCE, 'status'), batch.enabled ? '1' : '0');
    const left = batch.interpreters.map((each) =>
      each.removed ? { ...each, kind: 'missing' as const } : each,
    );
    const foretold = batch.files.map(({ path, text }) =>
      foretell(
        execute(path, { head: encodeText(filled(text)).subarray(0, 256), native: false }, [path], {
          entries,
          enabled: batch.enabled,
          open: (each) => look(left, each),
          held: ({ name }) => held.get(name) ?? { head: new Uint8Array(), native: false },
        }),
      ),
    );
    const paths = batch.files.map(({ path }) => encodeText(path));
    let statuses = await launcher.launch(paths);
    let reports = [...launcher.reports()];
    for (let again = 0; again < 3 && statuses.includes(UNREPORTED); again++) {
      statuses = await launcher.launch(paths);
      reports = [...launcher.reports()];
    }
    const kernel = statuses.map((status) =>
      status < REPORTED ? failed(status) : handed(status, reports.shift()),
    );
    return foretold.map((each, index) => ({ foretold: each, kernel: kernel[index] as Seen }));
  } finally {
    writeFileSync(join(INSTANCE, 'status'), '1');
    for (const { name } of entries) writeFileSync(join(INSTANCE, name), '-1');
    batch.interpreters.forEach((_, index) => {
      remove(index);
    });
    for (const { path } of batch.files) rmSync(at(path));
  }
}

function foretell({ outcome }: Execution): Seen {
  if (outcome.kind === 'fails') return { errno: outcome.errno };
  if (outcome.kind === 'undecided') throw new Error('there are no BPF handlers here');
  const { path, argv, preservesArgv0, open } = outcome;
  return { program: Number(path.slice(-1)), argv, preservesArgv0, open: open !== null };
}

const failed = (status: number): Seen => ({ errno: ERRNO[status] ?? `E${status}` });

function handed(status: number, report: Handed | undefined): Seen {
  const { argv, auxv } = report ?? { argv: [], auxv: new Map<number, bigint>() };
  return {
    program: status - REPORTED,
    argv: argv.map((each) => decodeText(each)),
    preservesArgv0: ((auxv.get(AT_FLAGS) ?? 0n) & 1n) === 1n,
    open: auxv.has(AT_EXECFD),
  };
}

const remove = (interpreter: number): void => rmSync(pathOf(interpreter), { recursive: true, force: true });

const pathOf = (interpreter: number): string => at(`i${interpreter}`);

function place({ kind, text }: Interpreter, index: number): void {
  const path = pathOf(index);
  if (kind === 'missing') return;
  if (kind === 'folder') return void mkdirSync(path);
  const bytes =
    kind === 'program' ? reportProgram(REPORTED + index) : encodeText(kind === 'empty' ? '' : filled(text));
  writeFileSync(path, bytes, { mode: 0o755 });
  if (kind === 'not executable') chmodSync(path, 0o644);
}

/** What the model is told stands at a path. */
function look(interpreters: readonly Interpreter[], path: string): Executable | Errno {
  // The current directory.
  if (path === '') return 'EACCES';
  const index = [...interpreters.keys()].find(
    (each) => path === pathOf(each) || path.startsWith(`${pathOf(each)}/`),
  );
  const { kind, text } = interpreters[index ?? -1] ?? { kind: 'missing', text: '' };
  if (kind === 'missing') return 'ENOENT';
  if (path.endsWith('/x')) return kind === 'folder' ? 'ENOENT' : 'ENOTDIR';
  if (kind === 'folder' || kind === 'not executable') return 'EACCES';
  if (kind === 'program')
    return { head: reportProgram(REPORTED + (index ?? 0)).subarray(0, 256), native: true };
  return {
    head: kind === 'empty' ? new Uint8Array() : encodeText(filled(text)).subarray(0, 256),
    native: false,
  };
}

/** `@1` in a text stands for the path of interpreter 1. */
const filled = (text: string): string => text.replace(/@(\d)/g, (_, index) => pathOf(Number(index)));

function register(rule: Rule): Errno | null {
  try {
    writeFileSync(join(INSTANCE, 'register'), formatRegister(rule));
    return null;
  } catch (error) {
    return (error as { code: Errno }).code;
  }
}

const number = fc.nat(INTERPRETERS - 1);
const shebang = fc
  .tuple(
    fc.constantFrom('', ' ', '\t '),
    number,
    fc.constantFrom('', '', '/x'),
    fc.constantFrom('', '', ' -o', ' two words ', ' '),
    fc.constantFrom('\n', '\n', '\n', '', '\nAB', '\0\n'),
  )
  .map(([blank, index, within, argument, end]) => `#!${blank}@${index}${within}${argument}${end}`);
const odd = fc.constantFrom('#!', '#!\n', '#! \n', '#!\0', `#!/${'a'.repeat(300)}\n`, '#', '');
const foreign = fc.constantFrom('AB', 'ABC', 'A', 'B', 'AB\n', 'ZZ', '\x7fELF\x02\x01');
const texts = fc.oneof({ weight: 4, arbitrary: shebang }, { weight: 3, arbitrary: foreign }, odd);

const batches: fc.Arbitrary<Batch> = fc.record({
  interpreters: fc
    .array(
      fc.record({
        kind: fc.constantFrom<Kind>(
          'program',
          'program',
          'program',
          'script',
          'script',
          'foreign',
          'empty',
          'not executable',
          'folder',
          'missing',
        ),
        text: texts,
        removed: fc.boolean().map((one) => one),
      }),
      { minLength: INTERPRETERS, maxLength: INTERPRETERS },
    )
    .map((all) => all.map((each, index) => ({ ...each, removed: each.removed && index === 0 }))),
  rules: fc.array(
    fc.record({
      pattern: fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom('A', 'AB', 'B', 'ABC', 'Z').map(magic) },
        { weight: 1, arbitrary: fc.constantFrom('#!', '\x7fELF', '\0').map(magic) },
        fc.constantFrom('foo', 'gz').map((extension): Pattern => ({ type: 'extension', extension })),
      ),
      interpreter: number,
      flags: fc
        .subarray<Flag>(['P', 'O', 'C', 'F'])
        .map((flags): readonly Flag[] =>
          flags.includes('C') && !flags.includes('O') ? [...flags, 'O'] : flags,
        ),
      commands: fc.oneof(
        { weight: 5, arbitrary: fc.constant([]) },
        fc.array(fc.constantFrom('0' as const, '1' as const), { maxLength: 2 }),
      ),
    }),
    { maxLength: 5 },
  ),
  files: fc
    .array(fc.tuple(fc.constantFrom('', '', '', '.foo', '.tar.gz'), texts), {
      minLength: FILES,
      maxLength: FILES,
    })
    .map((files) => files.map(([extension, text], index) => ({ path: `f${index}${extension}`, text }))),
  enabled: fc.constantFrom(true, true, true, true, true, true, true, false),
});

function magic(text: string): Pattern {
  return { type: 'magic', offset: 0, magic: encodeText(text), mask: null };
}
