import { describe, expect, it } from 'vitest';
import {
  formatBpfRegister,
  formatRegister,
  parseRegister,
  parseRegisterSyntax,
} from '../../../src/rule/register.ts';
import type { Flag, Rule } from '../../../src/rule/types.ts';

const rule = (magic: Uint8Array, more: Partial<Rule> = {}): Rule => ({
  name: 'a',
  pattern: { type: 'magic', offset: 0, magic, mask: null },
  interpreter: '/i',
  flags: [],
  ...more,
});
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

describe('a long register string', () => {
  const interpreter = `/${'i'.repeat(1750)}`;
  // Escaped, each byte takes four: too many.
  const magic = bytes('!"#$%&/()='.repeat(6));

  it('has as few escapes as possible', () => {
    const string = latin1(formatRegister(rule(magic, { interpreter })));
    expect(string).toBe(`:a:M::${latin1(magic)}::${interpreter}:`);
    expect(latin1(formatRegister(rule(magic)))).toContain('\\x21\\x22\\x23');
  });

  it('still escapes NUL, backslash and the delimiter', () => {
    const special = Uint8Array.of(...magic, 0, 0x5c, 0x3a);
    const string = formatRegister(rule(special, { interpreter }));
    expect(latin1(string)).toContain(`${latin1(magic)}\\x00\\x5c\\x3a::`);
    expect(parseRegister(string)).toMatchObject({ rule: rule(special, { interpreter }) });
  });

  it('is refused if that is not enough, with a hint about what to shorten', () => {
    expect(() => formatRegister(rule(magic, { interpreter: `/${'i'.repeat(1915)}` }))).toThrow(
      expect.objectContaining({
        code: 'BAD_RULE',
        hint: expect.stringContaining("shorten the interpreter's path"),
      }),
    );
  });
});

describe('the delimiter', () => {
  const PREFERRED = ':,|!@%+=~^&*_';
  const delimiterFor = (interpreter: string): string | undefined =>
    latin1(formatRegister(rule(bytes('A'), { interpreter })))[0];

  it('is the first preferred byte that no text contains', () => {
    expect(delimiterFor('/i')).toBe(':');
    expect(delimiterFor('/:')).toBe(',');
    expect(delimiterFor(`/${PREFERRED.slice(0, -1)}`)).toBe('_');
  });

  it('is otherwise another byte, but no letter, digit, backslash or newline', () => {
    expect(delimiterFor(`/${PREFERRED}`)).toBe('\x01');
    const below = (end: number): string =>
      String.fromCharCode(
        ...Array.from({ length: end }, (_, index) => index + 1).filter((code) => code !== 0x0a),
      );
    expect(delimiterFor(`/${PREFERRED}${below(9)}`)).toBe('\x0b');
    // 0x2f is the slash; the digits follow, and 0x3a is in use.
    expect(delimiterFor(`/${PREFERRED}${below(0x2e)}`)).toBe(';');
    expect(delimiterFor(`/${PREFERRED}${below(0x40)}`)).toBe('[');
    expect(delimiterFor(`/${PREFERRED}${below(0x5b)}`)).toBe(']');
  });

  it('may not exist', () => {
    const all = String.fromCharCode(
      ...Array.from({ length: 127 }, (_, index) => index + 1).filter((code) => code !== 0x0a),
    );
    const high = Array.from({ length: 128 }, (_, index) => String.fromCharCode(0xdc80 + index)).join('');
    expect(() => formatRegister(rule(bytes('A'), { interpreter: `/${all}${high}` }))).toThrow(
      expect.objectContaining({
        code: 'BAD_RULE',
        hint: expect.stringContaining('fewer different special characters'),
      }),
    );
  });
});

describe('flags of later kernels', () => {
  it.each(['T', 'L'] as const)('are unknown to earlier ones: %s', (flag) => {
    const later = rule(bytes('A'), { flags: ['F', flag] as readonly Flag[] });
    expect(() => formatRegister(later, { linux73: false })).toThrow(
      `unsupported flag ${flag} of "a": it requires Linux 7.3`,
    );
    expect(() => formatRegister(later)).not.toThrow();
  });

  it('do not affect flags of all kernels', () => {
    expect(() => formatRegister(rule(bytes('A'), { flags: ['P', 'F'] }), { linux73: false })).not.toThrow();
  });
});

describe('an invalid register string', () => {
  const refused = (text: string) => parseRegister(bytes(text));

  it("has the kernel's errno", () => {
    expect(refused(`:${'n'.repeat(256)}:M::A::/i:`)).toMatchObject({ errno: 'ENAMETOOLONG' });
    expect(refused(`:${'n'.repeat(255)}:M::A::/i:`)).toHaveProperty('rule');
    expect(refused(':status:M::A::/i:')).toMatchObject({ errno: 'EEXIST' });
    expect(refused(':a:B::::handler:')).toMatchObject({ errno: 'EINVAL' });
  });

  it('is one with a BPF handler, unless the dialect has them', () => {
    const bpf = bytes(':abc:B::::handler:');
    expect(parseRegisterSyntax(bpf, { linux73: true })).toMatchObject({ errno: 'EINVAL' });
    expect(parseRegisterSyntax(bpf, { linux73: true, bpf: true })).toMatchObject({
      rule: { handler: 'handler' },
    });
    expect(parseRegisterSyntax(bpf, { bpf: true })).toMatchObject({ errno: 'EINVAL' });
  });
});

describe('the string of a BPF handler', () => {
  it('is padded with a newline', () => {
    const none = { flags: [], interpreters: [] } as const;
    expect(latin1(formatBpfRegister({ name: 'a', handler: 'h', ...none }))).toBe(':a:B::::h:\n');
    expect(latin1(formatBpfRegister({ name: 'ab', handler: 'h', ...none }))).toBe(':ab:B::::h:');
  });
});
