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

/** What a line can hold: anything but line ends, NUL and white space at its end. */
const value = fc
  .uint8Array({ maxLength: 12 })
  .map((each) => decodeText(each.filter((byte) => byte !== 0x0a && byte !== 0)).replace(/[ \t\v\f\r]+$/, ''));

describe('the admin file', () => {
  it('has ten lines in the order of update-binfmts', () => {
    expect(decodeText(encodeAdminFile(DESCRIPTION))).toBe(':\nmagic\n0\nAB\n\n/bin/cat\n\n\n\n\n');
  });

  it('survives writing and reading, whatever its values', () => {
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
  ])('is corrupt where it ends with %j', (text, missing) => {
    expect(decodeAdminFile(bytes(text))).toEqual({ missing });
  });

  it('is read line by line as C strings, without white space at their ends', () => {
    const read = decodeAdminFile(bytes(': \t\nmagic\r\n0\nA\0B\n\n/bin/cat  \n\n\nyes\n\nmore\nlines'));
    expect(read).toEqual({ ...DESCRIPTION, magic: 'A', preserve: 'yes' });
  });
});

describe('the format file', () => {
  it('separates key and value at the first space, and at nothing else', () => {
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

  it('takes the last line of a key, and line ends of DOS', () => {
    expect([...decodeFormatFile(bytes('magic A\r\nmagic B\r\n'))]).toEqual([['magic', 'B']]);
  });

  it('says an extension under its own key, without an offset', () => {
    const text = decodeText(encodeFormatFile({ ...DESCRIPTION, type: 'extension', magic: 'jar' }));
    expect(text).toBe('package :\nextension jar\ninterpreter /bin/cat\n');
  });
});

describe('the register string', () => {
  it('has the flags in the order C P F, and the offset for extensions too', () => {
    const all = { ...DESCRIPTION, type: 'extension', credentials: 'yes', preserve: 'yes', fix_binary: 'yes' };
    expect(decodeText(registerString('n', all, '/x'))).toBe(':n:E:0:AB::/x:CPF\n');
    expect(decodeText(registerString('n', { ...DESCRIPTION, fix_binary: 'Yes' }, '/x'))).toBe(
      ':n:M:0:AB::/x:\n',
    );
  });

  it('of the description of a rule means that rule, where O comes with C', () => {
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

  it('is refused for an interpreter that no line can hold', () => {
    const rule: Rule = {
      name: 'x',
      pattern: { type: 'extension', extension: 'x' },
      interpreter: '/a\nb',
      flags: [],
    };
    expect(() => descriptionOf(rule)).toThrow('cannot be written for binfmt-support');
  });
});
