import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLockFile, encodeLockFile, type LockFile } from '../../../src/file-format/lock-file.ts';

const id = fc
  .stringMatching(/^[a-z0-9][a-z0-9_.+-]{0,12}$/)
  // valibot rejects keys of Object.prototype.
  .filter((each) => !(each in {}) && each !== 'prototype');
const word = fc.oneof(
  fc.stringMatching(/^[\w .:@#/&*!|>'"%-]{1,40}$/),
  fc.constantFrom(
    '9.2',
    '7',
    'null',
    '~',
    'yes',
    '1e3',
    '0x1',
    'a: b',
    '# no',
    '- x',
    '{',
    '[a]',
    '"',
    ' a ',
  ),
);
const hex = fc.oneof(
  fc.stringMatching(/^[0-9a-f]{64}$/),
  fc.stringMatching(/^[0-9]{64}$/),
  fc.stringMatching(/^[0-9]{20}e[0-9]{43}$/),
);
const emulator = fc.record({
  emulator: id,
  source: word,
  version: fc.option(word),
  sha256: hex,
  size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});
const locks: fc.Arbitrary<LockFile> = fc.record({ hosts: fc.dictionary(id, fc.dictionary(id, emulator)) });

const LINES = [
  'schema: binfmtctl/lock/1',
  'hosts:',
  '  x86_64:',
  '    aarch64:',
  '      emulator: qemu',
  '      source: apt',
  '      version: 7.2.22',
  `      sha256: ${'0a'.repeat(32)}`,
  '      size: 12918384',
];

/** Problems of the lock above with replaced lines. */
async function problemsWith(replaced: Readonly<Record<number, string>>) {
  const lines = LINES.map((line, index) => replaced[index + 1] ?? line);
  const decoded = await decodeLockFile(`${lines.join('\n')}\n`);
  return 'problems' in decoded ? decoded.problems.map(({ line, message }) => `${line}: ${message}`) : [];
}

describe('a lock file', () => {
  it('is decoded as it was encoded, for any lock', async () => {
    await fc.assert(
      fc.asyncProperty(locks, async (lock) => {
        expect(await decodeLockFile(await encodeLockFile(lock))).toEqual({ lock });
      }),
    );
  });

  it('does not depend on the order of its emulators', async () => {
    const reversed = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
      Object.fromEntries(Object.entries(record).toReversed());
    await fc.assert(
      fc.asyncProperty(locks, async ({ hosts }) => {
        const other = Object.entries(reversed(hosts)).map(([host, guests]) => [host, reversed(guests)]);
        expect(await encodeLockFile({ hosts: Object.fromEntries(other) })).toBe(
          await encodeLockFile({ hosts }),
        );
      }),
    );
  });

  it('never throws, and names a line of every problem', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.json(),
          locks.map((each) => JSON.stringify(each)),
        ),
        async (text) => {
          const decoded = await decodeLockFile(text);
          if ('lock' in decoded) return;
          expect(decoded.problems.length).toBeGreaterThan(0);
          for (const { line } of decoded.problems) expect(line).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('is sorted and readable', async () => {
    const found = { emulator: 'qemu', source: 'apt', version: '9.2', sha256: 'ab'.repeat(32), size: 7 };
    const text = await encodeLockFile({
      hosts: { x86_64: { riscv64: found, arm: { ...found, version: null } } },
    });
    expect(text.replace(/^#.*\n/gm, '').split('\n')).toEqual([
      'schema: binfmtctl/lock/1',
      'hosts:',
      '  x86_64:',
      '    arm:',
      ...['      emulator: qemu', '      source: apt', '      version: null'],
      ...[`      sha256: ${'ab'.repeat(32)}`, '      size: 7'],
      '    riscv64:',
      ...['      emulator: qemu', '      source: apt', '      version: "9.2"'],
      ...[`      sha256: ${'ab'.repeat(32)}`, '      size: 7'],
      '',
    ]);
  });

  it('is valid if it is unchanged', async () => {
    expect(await problemsWith({})).toEqual([]);
  });

  it.each([
    [{ 1: 'schema: binfmtctl/lock/2' }, ['1: schema: must be binfmtctl/lock/1']],
    [{ 3: '  X86:' }, ['3: hosts.X86: must be an ID: lower-case letters, digits and _.+-']],
    [{ 5: '      emulator: [qemu]' }, ['5: hosts.x86_64.aarch64.emulator: must be a string']],
    [{ 6: '' }, ['4: hosts.x86_64.aarch64.source: is missing']],
    [
      { 7: '      version: 7.2' },
      ['7: hosts.x86_64.aarch64.version: must be a string (quote values that look like numbers)'],
    ],
    [
      { 8: '      sha256: 0A' },
      ['8: hosts.x86_64.aarch64.sha256: must be a SHA-256 digest: 64 lower-case hex digits'],
    ],
    [{ 9: '      size: -1' }, ['9: hosts.x86_64.aarch64.size: must be a number of bytes']],
    [{ 9: '      size: 1\n      mode: 7' }, ['10: hosts.x86_64.aarch64.mode: unknown key']],
    [{ 9: '      size: 1\n      size: 2' }, ['10: Map keys must be unique']],
    [
      { 6: '      source: "a\\nb"' },
      ['6: hosts.x86_64.aarch64.source: must be one line of at most 1000 characters'],
    ],
  ] as const)('with %j has a problem with message and line', async (replaced, problems) => {
    expect(await problemsWith(replaced)).toEqual(problems);
  });

  it('lists all problems, in the order of the lines', async () => {
    const problems = await problemsWith({
      8: '      sha256: no',
      5: '      emulator: 7',
      9: '      size: big',
    });
    expect(problems.map((each) => each.split(':')[0])).toEqual(['5', '8', '9']);
  });
});
