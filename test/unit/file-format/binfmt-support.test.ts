import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Description,
  decodeAdminFile,
  decodeFormatFile,
  descriptionOf,
  encodeAdminFile,
  encodeFormatFile,
  FIELDS,
  registerString,
} from '../../../src/file-format/binfmt-support.ts';
import { parseRegister } from '../../../src/rule/register.ts';
import { decodeText, encodeText } from '../../../src/rule/text.ts';
import type { Rule } from '../../../src/rule/types.ts';
import { rule as arbitraryRule } from '../rule/arbitraries.ts';

const bytes = (text: string): Uint8Array => encodeText(text);

const DESCRIPTION: Description = {
  package: ':',
  type: 'magic',
  offset: '0',
  magic: 'AB',
  mask: '',
  interpreter: '/bin/cat',
  detector: '',
  credentials: '',
  preserve: '',
  fix_binary: '',
};

/** Values that a line can contain: no line ends, no NUL, no trailing white space. */
const value = fc
  .uint8Array({ maxLength: 12 })
  .map((each) => decodeText(each.filter((byte) => byte !== 0x0a && byte !== 0)).replace(/[ \t\v\f\r]+$/, ''));

describe('the admin file', () => {
  it('has ten lines in the order of update-binfmts', () => {
    expect(decodeText(encodeAdminFile(DESCRIPTION))).toBe(':\nmagic\n0\nAB\n\n/bin/cat\n\n\n\n\n');
  });

  it('is decoded as it was encoded, for any values', () => {
    fc.assert(
      fc.property(fc.record(Object.fromEntries(FIELDS.map((field) => [field, value]))), (description) => {
        expect(decodeAdminFile(encodeAdminFile(description as Description))).toEqual(description);
      }),
    );
  });

  it('may lack the fields from the detector on, and the last newline', () => {
    expect(decodeAdminFile(bytes(':\nmagic\n0\nAB\n\n/bin/cat'))).toEqual(DESCRIPTION);
  });

  it.each([
    ['', 'package'],
    ['p', 'type'],
    ['p\nmagic\n0\n', 'magic'],
    ['p\nmagic\n0\nAB\n\n', 'interpreter'],
  ])('is corrupt if it ends with %j', (text, missing) => {
    expect(decodeAdminFile(bytes(text))).toEqual({ missing });
  });

  it('has lines that end at a NUL, without trailing white space', () => {
    const read = decodeAdminFile(bytes(': \t\nmagic\r\n0\nA\0B\n\n/bin/cat  \n\n\nyes\n\nmore\nlines'));
    expect(read).toEqual({ ...DESCRIPTION, magic: 'A', preserve: 'yes' });
  });
});

describe('the format file', () => {
  it('separates key and value only at the first space', () => {
    const read = decodeFormatFile(bytes('Package p\nmagic  AB\nmask\tff\n# a b\n leading\nempty \n'));
    expect(Object.fromEntries(read)).toEqual({
      package: 'p',
      magic: ' AB',
      'mask\tff': null,
      '#': 'a b',
      '': 'leading',
      empty: null,
    });
  });

  it('uses the last line of a key, and accepts CR LF', () => {
    expect([...decodeFormatFile(bytes('magic A\r\nmagic B\r\n'))]).toEqual([['magic', 'B']]);
  });

  it('has a key for an extension, and no offset for it', () => {
    const text = decodeText(encodeFormatFile({ ...DESCRIPTION, type: 'extension', magic: 'jar' }));
    expect(text).toBe('package :\nextension jar\ninterpreter /bin/cat\n');
  });
});

describe('the register string', () => {
  it('has the flags in the order C P F, and an offset even for extensions', () => {
    const all = { ...DESCRIPTION, type: 'extension', credentials: 'yes', preserve: 'yes', fix_binary: 'yes' };
    expect(decodeText(registerString('n', all, '/x'))).toBe(':n:E:0:AB::/x:CPF\n');
    expect(decodeText(registerString('n', { ...DESCRIPTION, fix_binary: 'Yes' }, '/x'))).toBe(
      ':n:M:0:AB::/x:\n',
    );
  });

  it('of a described rule means that rule, with O if it has C', () => {
    fc.assert(
      fc.property(arbitraryRule, (rule) => {
        const texts = [
          rule.name,
          rule.interpreter,
          rule.pattern.type === 'extension' ? rule.pattern.extension : '',
        ];
        fc.pre(!texts.some((text) => /[:\n\0]|\s$/.test(text)));
        const string = registerString(rule.name, descriptionOf(rule), rule.interpreter);
        fc.pre(string.length <= 1920);
        const flags = rule.flags.filter((flag) => flag !== 'O' || rule.flags.includes('C'));
        const parsed = parseRegister(string) as { rule: Rule };
        expect(parsed.rule).toEqual({ ...rule, flags });
      }),
    );
  });

  it('is rejected for an interpreter that a line cannot contain', () => {
    const rule: Rule = {
      name: 'x',
      pattern: { type: 'extension', extension: 'x' },
      interpreter: '/a\nb',
      flags: [],
    };
    expect(() => descriptionOf(rule)).toThrow('cannot be written for binfmt-support');
  });
});
