import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../src/rule/entry.ts';
import {
  formatBpfRegister,
  formatRegister,
  parseRegister,
  parseRegisterSyntax,
} from '../../../src/rule/register.ts';
import { decodeText, encodeText } from '../../../src/rule/text.ts';
import type { MagicPattern, Rule } from '../../../src/rule/types.ts';
import { REGISTER_CASES, type RegisterCase } from '../../register-cases.ts';
import { rule as anyRule, bpfRule, bytes, magicPattern, rule73 } from './arbitraries.ts';

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const MAGIC: MagicPattern = { type: 'magic', offset: 0, magic: latin1('AB'), mask: null };
const RULE: Rule = { name: 'n', pattern: MAGIC, interpreter: '/i', flags: [] };

const outcome = (registered: ReturnType<typeof parseRegister>) =>
  'errno' in registered ? registered.errno : null;

/** Errors of flag F's file, and of names that are taken, only a kernel can give. */
const syntaxErrno = (errno: string | null, { note, registeredBefore }: RegisterCase) => {
  const isOfFile = ['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP', 'ETXTBSY'].includes(errno ?? '');
  const isTaken = errno === 'EEXIST' && registeredBefore.length > 0;
  return isOfFile || isTaken || note.startsWith('interpreter: F') ? null : errno;
};

describe('parseRegister', () => {
  // The kernel opens the file before it looks at the name; here the name is all there is to judge.
  const syntactic = REGISTER_CASES.filter(({ note }) => !/name with F/.test(note));

  it.each(syntactic)('answers as Linux 6.18: $note', (one) => {
    expect(outcome(parseRegister(one.register))).toBe(syntaxErrno(one.errno, one));
  });

  it.each(syntactic)('answers as Linux 7.3: $note', (one) => {
    expect(outcome(parseRegister(one.register, { linux73: true }))).toBe(syntaxErrno(one.errno73, one));
  });

  it.each(REGISTER_CASES.filter(({ errno }) => errno === null))(
    'reads what the kernel shows: $note',
    (one) => {
      const registered = parseRegister(one.register);
      const { enabled, ...shown } = parseEntry(one.entryName, one.entryFile);
      expect({ enabled, registered }).toEqual({
        enabled: true,
        registered: { rule: shown, disabled: false },
      });
    },
  );

  it('takes D for a way to register, and T with O', () => {
    const registered = parseRegister(latin1(':t:M::AB::/bin/true:DTF'), { linux73: true });
    expect(registered).toMatchObject({ rule: { flags: ['O', 'F', 'T'] }, disabled: true });
  });

  it('never throws, whatever the bytes', () => {
    const nearly = fc.tuple(anyRule, fc.nat(), fc.nat(255)).map(([rule, at, byte]) => {
      const string = formatRegister(rule);
      string[at % string.length] = byte;
      return string;
    });
    const outcomes = expect.toBeOneOf([null, 'EINVAL', 'ENAMETOOLONG', 'EEXIST']);
    fc.assert(
      fc.property(fc.oneof(bytes(0, 2000), nearly), fc.boolean(), (string, linux73) => {
        expect(outcome(parseRegister(string, { linux73 }))).toEqual(outcomes);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('formatRegister', () => {
  it('writes a string that reads back equal', () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        expect(parseRegister(formatRegister(rule))).toEqual({ rule, disabled: false });
      }),
      { numRuns: 1000 },
    );
  });

  it('writes a rule with T or L so that Linux 7.3 reads it back equal', () => {
    fc.assert(
      fc.property(rule73, fc.boolean(), (rule, disabled) => {
        const string = formatRegister(rule, { disabled, linux73: true });
        expect(parseRegister(string, { linux73: true })).toEqual({ rule, disabled });
      }),
      { numRuns: 1000 },
    );
  });

  it('is long enough for the kernel, however short the names of a BPF handler are', () => {
    const rule = { name: 'a', handler: 'h', interpreters: [], flags: [] };
    expect(decodeText(formatBpfRegister(rule))).toBe(':a:B::::h:\n');
    expect(decodeText(formatBpfRegister(rule, { disabled: true }))).toBe(':a:B::::h:D');
  });

  it('writes a BPF handler so that a kernel that has them reads it back equal, without what is bound', () => {
    fc.assert(
      fc.property(bpfRule, fc.boolean(), (rule, disabled) => {
        const string = formatBpfRegister(rule, { disabled });
        const read = parseRegisterSyntax(string, { linux73: true, bpf: true });
        expect(read).toEqual({ rule: { ...rule, interpreters: [] }, disabled });
        expect(outcome(parseRegister(string, { linux73: true }))).toBe('EINVAL');
      }),
    );
  });

  it.each<[string, Partial<Rule>, boolean | undefined, string]>([
    ['T before Linux 7.3', { flags: ['O', 'T'] }, false, 'remove flag T, or use Linux 7.3 or later'],
    ['L before Linux 7.3', { flags: ['L'] }, false, 'remove flag L, or use Linux 7.3 or later'],
    ['a relative interpreter with L', { flags: ['L'], interpreter: 'i' }, undefined, 'since Linux 7.3'],
    ['a relative interpreter with C', { flags: ['O', 'C'], interpreter: 'i' }, true, 'since Linux 7.3'],
  ])('refuses %s', (_, part, linux73, hint) => {
    expect(() => formatRegister({ ...RULE, ...part }, { linux73 })).toThrow(
      expect.objectContaining({ code: 'BAD_RULE', hint: expect.stringContaining(hint) }),
    );
  });

  it('fits every magic and mask that the kernel can hold', () => {
    fc.assert(
      fc.property(magicPattern(256, 256), (pattern) => {
        const rule = { ...RULE, pattern };
        expect(parseRegister(formatRegister(rule))).toEqual({ rule, disabled: false });
      }),
    );
  });

  it('reads back every rule that the kernel was seen to take', () => {
    const rules = REGISTER_CASES.map(({ register }) => parseRegister(register)).filter((r) => 'rule' in r);
    expect(rules.length).toBeGreaterThan(100);
    for (const { rule } of rules)
      expect(parseRegister(formatRegister(rule))).toEqual({ rule, disabled: false });
  });

  it('looks as people write it', () => {
    const pattern = { ...MAGIC, magic: latin1('\x7fELF\x02:'), mask: latin1('\xff\xff\xff\xff\0\xfe') };
    const string = formatRegister({ ...RULE, name: 'qemu-a', pattern, flags: ['O', 'C', 'F'] });
    expect(decodeText(string)).toBe(String.raw`:qemu-a:M::\x7fELF\x02\x3a:\xff\xff\xff\xff\x00\xfe:/i:OCF`);
  });

  it('takes another delimiter when a text contains the colon', () => {
    const string = formatRegister({ ...RULE, interpreter: '/opt/a:b,' });
    expect(decodeText(string)).toBe('|n|M||AB||/opt/a:b,|');
  });

  it('adds D to register disabled', () => {
    expect(decodeText(formatRegister(RULE, { disabled: true }))).toBe(':n:M::AB::/i:D');
  });

  const allBytes = decodeText(Uint8Array.from({ length: 255 }, (_, index) => index + 1));
  it.each<[string, Partial<Rule>]>([
    ['an empty name', { name: '' }],
    ['the name .', { name: '.' }],
    ['the name ..', { name: '..' }],
    ['a slash in the name', { name: 'a/b' }],
    ['a NUL in the name', { name: 'a\0' }],
    ['the name register', { name: 'register' }],
    ['the name status', { name: 'status' }],
    ['a name of 256 bytes', { name: 'é'.repeat(128) }],
    ['an empty interpreter', { interpreter: '' }],
    ['a NUL in the interpreter', { interpreter: '/a\0b' }],
    ['an interpreter beyond 1920 bytes', { interpreter: `/${'i'.repeat(1910)}` }],
    ['a rule that leaves no delimiter', { interpreter: allBytes }],
    ['an empty magic', { pattern: { ...MAGIC, magic: new Uint8Array() } }],
    ['a mask longer than the magic', { pattern: { ...MAGIC, mask: latin1('abc') } }],
    ['a mask shorter than the magic', { pattern: { ...MAGIC, mask: latin1('a') } }],
    ['a magic that ends after byte 256', { pattern: { ...MAGIC, offset: 255 } }],
    ['a negative offset', { pattern: { ...MAGIC, offset: -1 } }],
    ['half an offset', { pattern: { ...MAGIC, offset: 0.5 } }],
    ['an empty extension', { pattern: { type: 'extension', extension: '' } }],
    ['a slash in the extension', { pattern: { type: 'extension', extension: 'a/b' } }],
    ['a NUL in the extension', { pattern: { type: 'extension', extension: 'a\0' } }],
    ['an unknown flag', { flags: ['X' as 'P'] }],
    ['T with P', { flags: ['P', 'O', 'T'] }],
    ['L with O', { flags: ['O', 'L'] }],
    ['L with P', { flags: ['P', 'L'] }],
    ['a lone surrogate', { interpreter: '/\ud800' }],
  ])('refuses %s', (_, part) => {
    expect(() => formatRegister({ ...RULE, ...part })).toThrow(expect.objectContaining({ code: 'BAD_RULE' }));
  });

  it('says what to do about a rule that it refuses', () => {
    const pattern = { ...MAGIC, mask: encodeText('abc') };
    const hint = 'use a mask as long as the magic';
    expect(() => formatRegister({ ...RULE, pattern })).toThrow(expect.objectContaining({ hint }));
  });
});
