import { describe, expect, it } from 'vitest';
import { emulatorPattern } from '../../../src/catalogue/resolve.ts';
import { builtinCatalogue } from '../../../src/profiles/builtin.ts';
import { nativePatterns } from '../../../src/rule/execution/native-patterns.ts';
import { matches } from '../../../src/rule/match.ts';
import type { Pattern, Rule } from '../../../src/rule/types.ts';
import { assertSafe, scriptWarning } from '../../../src/safety/pattern-safety.ts';
import type { Machine } from '../../../src/safety/types.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const X86_64 = '7f454c4602010100000000000000000002003e00';
const I386 = '7f454c4601010100000000000000000002000300';
const AARCH64 = '7f454c460201010000000000000000000200b700';
const MASK = 'fffffffffffffffcfffffffffffffffffeffffff';
const NATIVE = { head: bytes(X86_64), native: true };
const script = (line: string) => ({ head: Buffer.from(`#!${line}\n`), native: false });

const natives = nativePatterns(bytes(X86_64)).map((pattern) => ({ what: 'x86_64 programs', pattern }));
const FILES: Readonly<Record<string, { readonly head: Uint8Array; readonly native: boolean }>> = {
  '/usr/bin/emulator': NATIVE,
  '/usr/bin/python3.11': NATIVE,
  '/usr/bin/foreign': { head: bytes(AARCH64), native: false },
  '/opt/wine.exe': NATIVE,
  '/opt/run.foo': NATIVE,
  '/opt/a.bar': script('/opt/b'),
  '/opt/script': script('/usr/bin/python3.11'),
  '/opt/a': script('/opt/b'),
  '/opt/b': { head: Buffer.from('BBBB'), native: false },
  '/opt/env': script('/usr/bin/env -S MODE=1 helper'),
  '/opt/env-missing': script('/usr/bin/env tool.foo'),
  '/usr/bin/env': NATIVE,
  '/usr/local/bin/helper': { head: Buffer.from('HELP'), native: false },
  '/opt/c': { head: Buffer.from('CCCC'), native: false },
};
const PROGRAMS = ['/usr/bin/python3.11', '/usr/bin/emulator'];
const machine: Machine = {
  natives,
  unproven: [],
  open: (path) => FILES[path] ?? 'ENOENT',
  programs: (pattern) =>
    PROGRAMS.flatMap((path) => {
      const head = FILES[path]?.head ?? new Uint8Array();
      return matches(pattern, head, path) ? [{ path, head }] : [];
    }),
};

const rule = (pattern: Pattern, interpreter = '/usr/bin/emulator', name = 't'): Rule => ({
  name,
  pattern,
  interpreter,
  flags: [],
});
const magic = (hex: string, mask: string | null = null, offset = 0): Pattern => ({
  type: 'magic',
  offset,
  magic: bytes(hex),
  mask: mask === null ? null : bytes(mask),
});
const text = (ascii: string, offset = 0): Pattern => magic(Buffer.from(ascii).toString('hex'), null, offset);
const extension = (word: string): Pattern => ({ type: 'extension', extension: word });
const judge = (one: Rule, others: readonly Rule[] = [], on: Machine = machine) => {
  assertSafe(one, others, on);
};

describe('assertSafe', () => {
  it.each([
    ['a foreign arch', magic(AARCH64, MASK)],
    ['text at an offset where native programs have zeros', text('ABCD', 10)],
    ['AppImages', magic('414902', null, 8)],
    ['AppImages of the own arch', magic('7f454c4602010100414902', 'ffffffff00000000ffffff')],
    ['an unused extension', extension('jar')],
  ])('accepts %s', (_, pattern) => {
    expect(() => judge(rule(pattern))).not.toThrow();
  });

  it.each([
    ["the machine's own arch", magic(X86_64, MASK)],
    ['a header that only the loader accepts', magic('7f454c46070101', null)],
    ['a mask of zeros', magic('00', '00')],
    ['every ELF file', magic('7f454c46', null)],
    ['the machine alone at its offset', magic('3e00', null, 18)],
    ['every position-independent ELF file', magic('03', null, 16)],
    ['zeros in the padding', magic('00', null, 10)],
    ['another ABI version', magic('41', null, 8)],
    ['an entry point', text('ABCD', 24)],
  ])('refuses %s', (_, pattern) => {
    expect(() => judge(rule(pattern))).toThrow(expect.objectContaining({ code: 'UNSAFE_RULE' }));
  });

  it.each([
    [
      "the machine's own arch",
      magic(X86_64, MASK),
      /^omit this rule: this machine runs native programs without an emulator$/,
    ],
    ['every ELF file', magic('7f454c46', null), /^compare magic and mask/],
  ])('says what to do about a rule for %s', (_, pattern, hint) => {
    expect(() => judge(rule(pattern))).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(hint) }),
    );
  });

  it.each([
    ['by `#!`', text('#!')],
    ['by `#`', text('#')],
    ['by the path of the shell', text('/bin/sh', 2)],
    ['by a part of it', text('bin', 3)],
    ['by a single letter', text('e', 9)],
    ['by a few bits', magic('8080', '8080', 9)],
  ])('refuses scripts as a class %s', (_, pattern) => {
    expect(() => judge(rule(pattern))).toThrow(/`#!` scripts/);
  });

  it.each(['box64', 'fex'])('refuses the wider mask of %s if its programs are native', (id) => {
    const { arches, emulators } = builtinCatalogue();
    const [arch, profile] = [arches['x86_64'], emulators[id]];
    if (arch === undefined || profile === undefined) throw new Error('no such profile');
    const pattern = emulatorPattern(arch, profile);
    expect(() => judge(rule(pattern))).toThrow(/would take over x86_64 programs/);
    const arm = nativePatterns(bytes(AARCH64)).map((each) => ({ what: 'aarch64 programs', pattern: each }));
    const open = () => ({ head: bytes(AARCH64), native: true });
    expect(() =>
      judge(rule(pattern), [], { ...machine, natives: arm, open, programs: () => [] }),
    ).not.toThrow();
  });

  it('refuses programs for which probes were inconclusive, with the reason', () => {
    const unproven = nativePatterns(bytes(I386)).map((pattern) => ({
      what: 'i386 programs',
      pattern,
      missing: 'no namespaces',
    }));
    expect(() => judge(rule(magic(I386, MASK)), [], { ...machine, unproven })).toThrow(
      'would take over i386 programs, which may run natively (unknown: no namespaces)',
    );
    expect(() => judge(rule(magic(AARCH64, MASK)), [], { ...machine, unproven })).not.toThrow();
  });

  it.each(['11', 'sh', 'so', 'postinst'])('refuses the program extension %s', (word) => {
    expect(() => judge(rule(extension(word)))).toThrow(/would take over /);
  });
});

describe('assertSafe, with a chain of interpreters', () => {
  const others = (...rules: readonly Rule[]): readonly Rule[] => rules;
  const B = rule(text('BBBB'), '/opt/c', 'B');

  it.each([
    ['by its bytes', magic(AARCH64, MASK), '/usr/bin/foreign'],
    ['by its extension', extension('exe'), '/opt/wine.exe'],
    ['at the end of its `#!` lines', text('BBBB'), '/opt/a.bar'],
  ])('refuses a rule that matches its own interpreter %s', (_, pattern, interpreter) => {
    expect(() => judge(rule(pattern, interpreter))).toThrow(/its own interpreter/);
  });

  it('refuses a rule whose interpreter has its extension, even if that file does not exist yet', () => {
    expect(() => judge(rule(extension('foo'), '/opt/missing.foo'))).toThrow(/its own interpreter/);
  });

  it('refuses a rule that matches the interpreter of another entry', () => {
    const other = rule(text('FOO!'), '/opt/run.foo', 'other');
    expect(() => judge(rule(extension('foo')), others(other))).toThrow(
      'would take over /opt/run.foo, which entry other runs',
    );
  });

  it('refuses rules that run each other in a loop, whichever is registered first', () => {
    const C = rule(text('CCCC'), '/opt/b', 'C');
    expect(() => judge(C, others(B))).toThrow('would take over its own interpreter, in a loop with B');
    expect(() => judge(B, others(C))).toThrow('would take over its own interpreter, in a loop with C');
  });

  it('gives a hint about a loop', () => {
    const C = rule(text('CCCC'), '/opt/b', 'C');
    expect(() => judge(C, others(B))).toThrow(
      expect.objectContaining({ hint: 'choose another interpreter for rule C, or keep only one of C and B' }),
    );
  });

  it.each([
    ['that exists', text('HELP'), '/opt/env'],
    ['by its name if it does not exist', extension('foo'), '/opt/env-missing'],
  ])('refuses a rule that matches the program that env(1) runs, %s', (_, pattern, interpreter) => {
    expect(() => judge(rule(pattern, interpreter))).toThrow(/its own interpreter/);
    expect(() => judge(rule(extension('abc'), interpreter))).not.toThrow();
  });

  it('refuses a rule whose native interpreter another entry takes over', () => {
    const other = rule(extension('exe'), '/usr/bin/emulator', 'other');
    expect(() => judge(rule(text('FOO!'), '/opt/wine.exe'), others(other))).toThrow(
      'rule t cannot work: entry other takes over /opt/wine.exe, which the rule needs: refused',
    );
    // In the same request, `other` is refused instead.
    expect(() => assertSafe(rule(text('FOO!'), '/opt/wine.exe'), [other], machine, [])).not.toThrow();
  });

  it.each([['O'], ['C']] as const)('refuses flag %s with an interpreter that another entry runs', (flag) => {
    const inner = rule(text('CCCC'), '/usr/bin/emulator', 'C');
    const outer = { ...B, flags: [flag] };
    expect(() => judge(outer, others(inner))).toThrow(
      'rule B cannot work: C runs its interpreter, but flag O or C allows no further interpreter',
    );
    expect(() => judge(inner, others(outer))).toThrow(
      'would take over /opt/c, which entry B runs, but flag O or C allows no further interpreter',
    );
  });

  it('accepts an interpreter that another entry runs', () => {
    const inner = rule(text('CCCC'), '/usr/bin/emulator', 'C');
    expect(() => judge(B, others(inner))).not.toThrow();
  });
});

describe('scriptWarning', () => {
  it('warns about bytes that a script can contain', () => {
    expect(scriptWarning(rule(text('ABCD', 10)))).toMatch(/^rule t also matches .* at offset 10$/);
    expect(scriptWarning(rule(magic('414902', null, 8)))).toBeNull();
    expect(scriptWarning(rule(text('MZ')))).toBeNull();
    expect(scriptWarning(rule(extension('jar')))).toBeNull();
  });
});
