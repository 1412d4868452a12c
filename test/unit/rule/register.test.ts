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

/** Only a kernel can return the errors of flag F's file and of existing names. */
const syntaxErrno = (errno: string | null, { note, registeredBefore }: RegisterCase) => {
  const isOfFile = ['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP', 'ETXTBSY'].includes(errno ?? '');
  const isTaken = errno === 'EEXIST' && registeredBefore.length > 0;
  return isOfFile || isTaken || note.startsWith('interpreter: F') ? null : errno;
};

describe('parseRegister', () => {
  // The kernel opens the file before it checks the name; parseRegister only checks the name.
  const syntactic = REGISTER_CASES.filter(({ note }) => !/name with F/.test(note));

  it.each(syntactic)('agrees with Linux 6.18: $note', (one) => {
    expect(outcome(parseRegister(one.register))).toBe(syntaxErrno(one.errno, one));
  });

  it.each(syntactic)('agrees with Linux 7.3: $note', (one) => {
    expect(outcome(parseRegister(one.register, { linux73: true }))).toBe(syntaxErrno(one.errno73, one));
  });

  it.each(REGISTER_CASES.filter(({ errno }) => errno === null))(
    "parses the kernel's output: $note",
    (one) => {
      const registered = parseRegister(one.register);
      const { enabled, ...shown } = parseEntry(one.entryName, one.entryFile);
      expect({ enabled, registered }).toEqual({
        enabled: true,
        registered: { rule: shown, disabled: false },
      });
    },
  );

  it('treats D as a way to register, and adds O to T', () => {
    const registered = parseRegister(latin1(':t:M::AB::/bin/true:DTF'), { linux73: true });
    expect(registered).toMatchObject({ rule: { flags: ['O', 'F', 'T'] }, disabled: true });
  });

  it('never throws', () => {
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
  it('round-trips', () => {
    fc.assert(
      fc.property(anyRule, (rule) => {
        expect(parseRegister(formatRegister(rule))).toEqual({ rule, disabled: false });
      }),
      { numRuns: 1000 },
    );
  });

  it('round-trips rules with T or L on Linux 7.3', () => {
    fc.assert(
      fc.property(rule73, fc.boolean(), (rule, disabled) => {
        const string = formatRegister(rule, { disabled, linux73: true });
        expect(parseRegister(string, { linux73: true })).toEqual({ rule, disabled });
      }),
      { numRuns: 1000 },
    );
  });

  it("reaches the kernel's minimum size for the shortest BPF handler", () => {
    const rule = { name: 'a', handler: 'h', interpreters: [], flags: [] };
    expect(decodeText(formatBpfRegister(rule))).toBe(':a:B::::h:\n');
    expect(decodeText(formatBpfRegister(rule, { disabled: true }))).toBe(':a:B::::h:D');
  });

  it('round-trips BPF handlers without their bound interpreters', () => {
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

  it('accepts every magic and mask that the kernel accepts', () => {
    fc.assert(
      fc.property(magicPattern(256, 256), (pattern) => {
        const rule = { ...RULE, pattern };
        expect(parseRegister(formatRegister(rule))).toEqual({ rule, disabled: false });
      }),
    );
  });

  it('round-trips every rule that the kernel accepted', () => {
    const rules = REGISTER_CASES.map(({ register }) => parseRegister(register)).filter((r) => 'rule' in r);
    expect(rules.length).toBeGreaterThan(100);
    for (const { rule } of rules)
      expect(parseRegister(formatRegister(rule))).toEqual({ rule, disabled: false });
  });

  it('has the usual form', () => {
    const pattern = { ...MAGIC, magic: latin1('\x7fELF\x02:'), mask: latin1('\xff\xff\xff\xff\0\xfe') };
    const string = formatRegister({ ...RULE, name: 'qemu-a', pattern, flags: ['O', 'C', 'F'] });
    expect(decodeText(string)).toBe(String.raw`:qemu-a:M::\x7fELF\x02\x3a:\xff\xff\xff\xff\x00\xfe:/i:OCF`);
  });

  it('uses another delimiter if a text contains a colon', () => {
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
    ['a fractional offset', { pattern: { ...MAGIC, offset: 0.5 } }],
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

  it('gives a hint for a refused rule', () => {
    const pattern = { ...MAGIC, mask: encodeText('abc') };
    const hint = 'use a mask as long as the magic';
    expect(() => formatRegister({ ...RULE, pattern })).toThrow(expect.objectContaining({ hint }));
  });
});
