import { describe, expect, it } from 'vitest';
import { nativePatterns } from '../../../src/rule/execution/native-patterns.ts';
import type { MagicPattern, Pattern, Rule } from '../../../src/rule/types.ts';
import { assertSafe, scriptWarning } from '../../../src/safety/pattern-safety.ts';
import type { Machine, UnprovenNative } from '../../../src/safety/types.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const magic = (bytes: string, mask: string | null = null, offset = 0): Pattern => ({
  type: 'magic',
  offset,
  magic: hex(bytes),
  mask: mask === null ? null : hex(mask),
});
const text = (ascii: string, offset = 0): Pattern => magic(Buffer.from(ascii).toString('hex'), null, offset);
const rule = (pattern: Pattern): Rule => ({ name: 't', pattern, interpreter: '/i', flags: [] });

const X86_64 = nativePatterns(hex('7f454c4602010100000000000000000002003e00'));
const I386 = nativePatterns(hex('7f454c4601010100000000000000000002000300'));
const unprovenOf = (patterns: readonly MagicPattern[]): readonly UnprovenNative[] =>
  patterns.map((pattern) => ({ what: 'other programs', pattern, missing: 'a fact' }));
const machine: Machine = {
  natives: X86_64.map((pattern) => ({ what: 'x86_64 programs', pattern })),
  unproven: [],
  open: () => ({ head: hex('7f454c4602010100000000000000000002003e00'), native: true }),
  programs: () => [],
};
const judge = (pattern: Pattern, on: Partial<Machine> = {}) =>
  assertSafe(rule(pattern), [], { ...machine, ...on });
const installed: Pick<Machine, 'programs'> = { programs: () => [{ path: '/usr/bin/tool', head: hex('') }] };

describe('a rule that matches scripts', () => {
  it.each([
    ['of sh', text('/bin/sh\n', 2)],
    ['of sh, after a space', text('bin/sh\n', 4)],
    ['of bash', text('bin/bash', 3)],
    ['of env', text('usr/bin/env ', 3)],
    ['of perl', text('usr/bin/perl', 3)],
    ['of python', text('usr/bin/python3', 3)],
    ['with the same first byte', text('#!/opt/some')],
    ['with the same second byte', text('!/opt/some', 1)],
    ['by fewer than 16 bits', magic('4142', 'fffe', 10)],
  ])('is refused for those %s', (_, pattern) => {
    expect(() => judge(pattern)).toThrow('rule t would take over `#!` scripts: refused');
  });

  it.each([
    ['bytes behind the first two', text('/opt/some', 2)],
    ['a mask that leaves the first two open', magic('0000414243', '0000ffffff', 8)],
    ['16 bits', text('AB', 10)],
    ['16 bits of more bytes', magic('41424344', 'f0f0f0f0', 10)],
  ])('is accepted with %s, unless a program has them', (_, pattern) => {
    expect(() => judge(pattern)).not.toThrow();
    expect(() => judge(pattern, installed)).toThrow('rule t would take over /usr/bin/tool: refused');
  });

  it('is accepted with a mask that leaves the first two bytes open', () => {
    const pattern = magic('0000414243444546', '0000ffffffffffff');
    expect(() => judge(pattern)).not.toThrow();
  });
});

describe('a rule for files that look like native programs', () => {
  const appImage = magic('7f454c4602010100414902000000000002003e00');

  it('is refused if an installed program has its bytes', () => {
    expect(() => judge(appImage)).not.toThrow();
    expect(() => judge(appImage, installed)).toThrow('would take over /usr/bin/tool');
  });

  it('is compared with native patterns and inconclusive ones', () => {
    const natives = machine.natives;
    expect(() => judge(appImage, { ...installed, natives, unproven: unprovenOf(I386) })).toThrow(
      '/usr/bin/tool',
    );
    expect(() => judge(appImage, { ...installed, natives: [], unproven: unprovenOf(X86_64) })).toThrow(
      '/usr/bin/tool',
    );
    expect(() => judge(appImage, { ...installed, natives: [], unproven: unprovenOf(I386) })).not.toThrow();
  });

  it('is not compared with programs if it is for another machine', () => {
    const aarch64 = magic('7f454c460201010000000000000000000200b700');
    expect(() => judge(aarch64, installed)).not.toThrow();
  });
});

describe('a refusal', () => {
  it.each(['sh', 'bash', 'so', 'preinst', 'postinst', 'prerm', 'postrm'])(
    'is certain for the extension %s, whatever is installed',
    (extension) => {
      expect(() => judge({ type: 'extension', extension })).toThrow(
        `rule t would take over programs of this machine: .${extension} files: refused`,
      );
    },
  );

  it('names the installed program with the extension', () => {
    expect(() => judge({ type: 'extension', extension: 'foo' }, installed)).toThrow('/usr/bin/tool');
    expect(() => judge({ type: 'extension', extension: 'foo' })).not.toThrow();
  });

  it('has a hint', () => {
    const hint = (said: string) => expect.objectContaining({ hint: expect.stringContaining(said) });
    expect(() => judge(text('#!'))).toThrow(hint('`binfmtctl catalogue show ARCH`'));
    expect(() => judge({ type: 'extension', extension: 'sh' })).toThrow(hint('by magic'));
  });
});

describe('scriptWarning', () => {
  it.each([
    ['a tab', '41094243', null],
    ['a newline', '410a4243', null],
    ['a carriage return', '410d4243', null],
    ['a space', '41204243', null],
    ['letters beyond ASCII', '41c3a443', null],
    ['a byte that is text with other bits outside the mask', '410b4243', 'ff0fffff'],
    ['zeros that the mask leaves open', '41004243', 'ff00ffff'],
  ])('is given for %s', (_, bytes, mask) => {
    expect(scriptWarning(rule(magic(bytes, mask, 12)))).toContain('at offset 12');
  });

  it.each([
    ['08', null],
    ['0b', null],
    ['0c', null],
    ['0e', null],
    ['1f', null],
    ['00', null],
    ['10', 'f0'],
  ])('is not given for a byte that text does not contain: %s, mask %j', (byte, mask) => {
    const bits = mask === null ? null : `ff${mask}ffff`;
    expect(scriptWarning(rule(magic(`41${byte}4243`, bits, 12)))).toBeNull();
  });
});
