/** Compares our matcher with the kernel on thousands of random rules and files. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstMatch } from '../../src/rule/match.ts';
import { formatRegister } from '../../src/rule/register.ts';
import { encodeText } from '../../src/rule/text.ts';
import type { Entry, MagicPattern, Pattern } from '../../src/rule/types.ts';
import { exitProgram, type Launcher, type Outcome, startLauncher } from './launcher.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const ENOEXEC = 8;
const ELOOP = 40;
/** exec_binprm() in fs/exec.c: the sixth rewrite fails. */
const MAX_REWRITES = 5;
const MAX_RULES = 5;
const FILES_A_BATCH = 12;
const BATCHES = 1000;

interface File {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Candidate {
  readonly pattern: Pattern;
  /** Written to the entry after its registration. */
  readonly commands: readonly ('0' | '1')[];
}

interface Batch {
  readonly candidates: readonly Candidate[];
  readonly files: readonly File[];
}

let directory: string;
let launcher: Launcher;
const interpreter = (index: number) => join(directory, `interpreter${index}`);
const interpreterStatus = (index: number) => 200 + index;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'matcher-'));
  for (let index = 0; index < FILES_A_BATCH; index++) mkdirSync(join(directory, `d${index}.foo`));
  for (let index = 0; index < MAX_RULES; index++) {
    writeFileSync(interpreter(index), exitProgram(interpreterStatus(index)), { mode: 0o755 });
  }
  launcher = startLauncher(directory);
});

afterAll(async () => {
  await launcher.stop();
  rmSync(directory, { recursive: true });
});

describe('the matcher', () => {
  it(`agrees with the kernel for ${BATCHES * FILES_A_BATCH} random files`, async () => {
    const seen = new Map<Outcome, number>();
    await fc.assert(
      fc.asyncProperty(batch, async (batch) => {
        const { expected, actual } = await compare(batch);
        for (const outcome of actual) seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        expect(actual).toEqual(expected);
      }),
      { numRuns: BATCHES },
    );
    // The comparison is only meaningful if matches, misses and loops are frequent.
    for (const outcome of [ENOEXEC, ELOOP, interpreterStatus(0)]) {
      expect(seen.get(outcome) ?? 0).toBeGreaterThan(500);
    }
    expect(readdirSync(INSTANCE).sort()).toEqual(['register', 'status']);
  });
});

async function compare({ candidates, files }: Batch) {
  const rules = candidates.map(({ pattern, commands }, index) => ({
    rule: { name: `matcher${index}`, pattern, interpreter: interpreter(index), flags: [] },
    commands,
  }));
  for (const { path, bytes } of files) writeFileSync(join(directory, path), bytes, { mode: 0o755 });
  const registered: string[] = [];
  try {
    for (const { rule, commands } of rules) {
      writeFileSync(join(INSTANCE, 'register'), formatRegister(rule));
      registered.push(rule.name);
      for (const command of commands) writeFileSync(join(INSTANCE, rule.name), command);
    }
    const actual = await launcher.launch(files.map(({ path }) => encodeText(path)));
    const entries = rules
      .map(({ rule, commands }) => ({ ...rule, enabled: commands.at(-1) !== '0' }))
      .reverse();
    return { actual, expected: files.map((file) => expectedOutcome(entries, file)) };
  } finally {
    for (const name of registered) writeFileSync(join(INSTANCE, name), '-1');
    for (const { path } of files) rmSync(join(directory, path));
  }
}

/** Follows rewrites like the kernel: the interpreter is looked up again by its header and path. */
function expectedOutcome(entries: readonly Entry[], { path, bytes }: File): Outcome {
  let status = ENOEXEC;
  let level = { path, head: bytes.subarray(0, 256) };
  for (let rewrites = 0; ; rewrites++) {
    const entry = firstMatch(entries, level.head, level.path);
    if (entry === null) return status;
    if (rewrites === MAX_REWRITES) return ELOOP;
    status = interpreterStatus(Number(entry.name.slice('matcher'.length)));
    level = { path: entry.interpreter, head: exitProgram(status).subarray(0, 256) };
  }
}

/** Headers of foreign programs, and bytes of a small alphabet, which are often equal by chance. */
const base: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc
    .constantFrom(
      '0201010000000000000000000200f300',
      '01020100000000000000000000020008',
      '010101610000000000000000020028',
    )
    .map((rest) => Uint8Array.from(Buffer.from(`7f454c46${rest}`, 'hex'))),
  fc
    .array(fc.constantFrom(0, 0, 0x41, 0x42, 0x5c, 0x3a, 0xff), { maxLength: 300 })
    .map((bytes) => Uint8Array.from(bytes)),
);

const batch: fc.Arbitrary<Batch> = base.chain((base) =>
  fc.record({
    candidates: fc.array(candidateNear(base), { minLength: 1, maxLength: MAX_RULES }),
    files: fc
      .array(fileNear(base), { minLength: FILES_A_BATCH, maxLength: FILES_A_BATCH })
      .map((files) =>
        files.map(({ path, bytes }, index) => ({ path: path.replace('#', `${index}`), bytes })),
      ),
  }),
);

function candidateNear(base: Uint8Array): fc.Arbitrary<Candidate> {
  const extension = fc.constantFrom('foo', 'FOO', 'é', 'f', 'tar.gz', 'gz');
  return fc.record({
    pattern: fc.oneof(
      { weight: 5, arbitrary: magicNear(base) },
      extension.map((extension): Pattern => ({ type: 'extension', extension })),
    ),
    commands: fc.oneof(
      { weight: 5, arbitrary: fc.constant([]) },
      fc.array(fc.constantFrom('0' as const, '1' as const), { maxLength: 3 }),
    ),
  });
}

/** A slightly changed part of the base, with a mask of mostly whole bytes. */
function magicNear(base: Uint8Array): fc.Arbitrary<MagicPattern> {
  const padded = new Uint8Array(256);
  padded.set(base.subarray(0, 256));
  const maskByte = fc.constantFrom(0xff, 0xff, 0xff, 0xfe, 0xf0, 0x00);
  const offset = fc.oneof(fc.constant(0), fc.nat(20), fc.nat(255), fc.constant(255));
  return fc.tuple(offset, fc.oneof(fc.nat(20), fc.nat(255))).chain(([offset, length]) => {
    const size = Math.max(1, Math.min(length, 256 - offset));
    const mask: fc.Arbitrary<Uint8Array> = fc
      .array(maskByte, { minLength: size, maxLength: size })
      .map((bytes) => Uint8Array.from(bytes));
    return fc.record({
      type: fc.constant('magic' as const),
      offset: fc.constant(offset),
      magic: changed(padded.subarray(offset, offset + size), 1),
      mask: fc.option(mask),
    });
  });
}

/** The base, possibly truncated and slightly changed, under a name with or without extension. `#` stands for its number. */
function fileNear(base: Uint8Array): fc.Arbitrary<File> {
  const names = ['prog', 'x.foo', 'x.FOO', 'x.é', 'x.tar.gz', 'x.', '.foo', '.gz'];
  const path = fc.constantFrom('#', '#', ...names.map((name) => `d#.foo/${name}`));
  const size = fc.oneof({ weight: 3, arbitrary: fc.constant(base.length) }, fc.nat(base.length));
  const bytes = size
    .chain((size) => changed(base.subarray(0, size), 2))
    .map((bytes) => (isScript(bytes) ? bytes.with(0, 0) : bytes));
  return fc.record({ path, bytes });
}

/** A copy with some bits of up to `count` bytes inverted. */
function changed(bytes: Uint8Array, count: number): fc.Arbitrary<Uint8Array> {
  const bits = fc.oneof(fc.constantFrom(0x01, 0x10, 0x41), fc.nat(255));
  const change = fc.tuple(fc.nat(Math.max(0, bytes.length - 1)), bits);
  return fc.array(change, { maxLength: count }).map((changes) => {
    const copy = bytes.slice();
    for (const [at, bits] of changes) copy.fill((copy[at] ?? 0) ^ bits, at, at + 1);
    return copy;
  });
}

/** The kernel's next format would load it. */
const isScript = (bytes: Uint8Array): boolean => bytes[0] === 0x23 && bytes[1] === 0x21;
