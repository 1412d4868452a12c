/** Every string of kernel-errors.json, written to the running kernel. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runningKernelFeatures } from '../../src/binfmt/features.ts';
import { formatEntry, parseEntry } from '../../src/rule/entry.ts';
import { formatRegister, parseRegister } from '../../src/rule/register.ts';
import { encodeText } from '../../src/rule/text.ts';
import { REGISTER_CASES } from '../register-cases.ts';

const INSTANCE = '/proc/sys/fs/binfmt_misc';
const STARTED_IN = process.cwd();
const isLinux73 = runningKernelFeatures().linux73;

let directory: string;
let busy: number;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'register-'));
  // Relative interpreters are resolved from here, the directory of the process that writes `register`.
  process.chdir(directory);
  for (const name of ['showargs', 'empty', 'busy', 'text', 'script.sh']) {
    const content = { text: 'just text\n', 'script.sh': '#!/bin/sh\n' }[name] ?? '';
    writeFileSync(name, content, { mode: 0o755 });
  }
  for (const name of ['noexec', 'file']) writeFileSync(name, '', { mode: 0o644 });
  symlinkSync('showargs', 'link');
  symlinkSync('nowhere', 'dangling');
  symlinkSync('loop', 'loop');
  execFileSync('mkfifo', ['fifo']);
  mkdirSync('nx');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'noexec', 'tmpfs', 'nx']);
  writeFileSync('nx/showargs', '', { mode: 0o755 });
  busy = openSync('busy', 'r+');
});

afterEach(removeEntries);

afterAll(() => {
  process.chdir(STARTED_IN);
  closeSync(busy);
  execFileSync('umount', [join(directory, 'nx')]);
  rmSync(directory, { recursive: true });
});

describe('the running kernel', () => {
  it.each(REGISTER_CASES)('responds as recorded: $note', (one) => {
    one.registeredBefore.forEach(prepare);
    const errno = isLinux73 ? one.errno73 : one.errno;
    expect(register(inDirectory(one.register))).toBe(errno);
    // There is no recorded text for strings that only Linux 7.3 accepts.
    if (errno !== null || one.errno !== null) return;
    const shown = readFileSync(entryPath(one.entryName));
    expect(shown.equals(inDirectory(one.entryFile))).toBe(true);
  });

  it.each(REGISTER_CASES.filter(({ errno, errno73 }) => errno === null && errno73 === null))(
    'shows the same entry for our own string: $note',
    (one) => {
      const registration = parseRegister(inDirectory(one.register));
      if ('errno' in registration) throw new Error(registration.reason);
      const { rule } = registration;
      expect(register(formatRegister(rule))).toBeNull();
      const shown = readFileSync(entryPath(rule.name));
      expect(parseEntry(rule.name, shown)).toEqual({ ...rule, enabled: true });
    },
  );
});

describe('parseRegister', () => {
  it('agrees with the running kernel for random strings', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc
        .property(nearlyValid, (string) => {
          const expected = parseRegister(string, { linux73: isLinux73 });
          const errno = register(string);
          expect('errno' in expected ? expected.errno : null).toBe(errno);
          seen[errno === null ? 'accepted' : 'refused']++;
          if ('errno' in expected || expected.disabled) return;
          const { rule } = expected;
          const shown = readFileSync(entryPath(rule.name));
          expect(shown.equals(formatEntry({ ...rule, enabled: true }))).toBe(true);
        })
        .afterEach(removeEntries),
      { numRuns: 10_000 },
    );
    expect(seen.accepted).toBeGreaterThan(1000);
    expect(seen.refused).toBeGreaterThan(1000);
  });
});

/**
 * Strings put together from what matters to the parser, then cut, lengthened or changed in places. Without F:
 * which file it names is another question.
 */
const piece = fc.constantFrom(
  ...[
    'a',
    'x',
    '/',
    '.',
    ':',
    ',',
    '\\',
    '\\x41',
    '\\x4',
    '\\\\x42',
    '\\x00',
    '\0',
    '\n',
    ' ',
    '0',
    '-',
    'é',
    'P',
    'C',
    'T',
  ],
);
const field = (...usual: string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...usual) },
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
  );
const nearlyValid: fc.Arbitrary<Uint8Array> = fc
  .record({
    delimiter: fc.oneof(
      { weight: 6, arbitrary: fc.constant(':') },
      fc.constantFrom(',', '\n', '\0', 'e', 'x', '\\', 'O', 'M'),
    ),
    fields: fc.tuple(
      field('name', 'n'),
      field('M', 'M', 'E'),
      field('', '0', '1', '254', '256', '+3', '-0', '2147483648'),
      field('AB', '\\x7fE', '\\x00A', 'A\0B'),
      field('', '\\xff\\xf0', '\0junk'),
      field('/bin/true', 'true'),
      field('', '\n', 'P', 'OC', 'PP\n'),
    ),
    cut: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.nat(12)),
    change: fc.option(fc.tuple(fc.nat(30), fc.constantFrom(0, 0x0a, 0x2f, 0x3a, 0x5c, 0x78, 0xff)), {
      freq: 2,
    }),
  })
  .map(({ delimiter, fields, cut, change }) => {
    const string = encodeText(fields.map((field) => delimiter + field).join(''));
    if (change !== null && change[0] < string.length) string[change[0]] = change[1];
    return string.subarray(0, string.length - cut);
  });

/** The errno of the single write of a registration, or null. */
function register(string: Uint8Array): string | null {
  const fd = openSync(join(INSTANCE, 'register'), 'w');
  try {
    expect(writeSync(fd, string)).toBe(string.length);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** `@name=v` writes v to that entry; other strings are registered. */
function prepare(step: string): void {
  const [, name, value] = /^@(.*)=(.*)$/.exec(step) ?? [];
  if (name === undefined || value === undefined) expect(register(encodeText(step))).toBeNull();
  else writeFileSync(join(INSTANCE, name), value);
}

/** DIR stands for the test's directory. */
function inDirectory(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1').replaceAll('DIR/', `${directory}/`);
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

const entryPath = (name: string): Buffer => Buffer.concat([Buffer.from(`${INSTANCE}/`), encodeText(name)]);

function removeEntries(): void {
  for (const name of readdirSync(INSTANCE, 'buffer')) {
    if (['register', 'status'].includes(name.toString())) continue;
    writeFileSync(Buffer.concat([Buffer.from(`${INSTANCE}/`), name]), '-1');
  }
}
