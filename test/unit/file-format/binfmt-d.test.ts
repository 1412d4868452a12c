import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBinfmtD, encodeBinfmtD } from '../../../src/file-format/binfmt-d.ts';
import { parseRegister } from '../../../src/rule/register.ts';
import { encodeText } from '../../../src/rule/text.ts';
import type { Rule } from '../../../src/rule/types.ts';

const linesOf = (text: string) => decodeBinfmtD(encodeText(text)).rules.map(({ line, text }) => [line, text]);

describe('decodeBinfmtD', () => {
  it.each([
    [
      ':a\n:b',
      [
        [1, ':a'],
        [2, ':b'],
      ],
    ],
    [
      ':a\r\n:b\n\r:c',
      [
        [1, ':a'],
        [2, ':b'],
        [3, ':c'],
      ],
    ],
    [
      ':a\r:b\0:c',
      [
        [1, ':a'],
        [2, ':b'],
        [3, ':c'],
      ],
    ],
    [
      ':a\n\n:b',
      [
        [1, ':a'],
        [3, ':b'],
      ],
    ],
    [
      ':a\0\n:b',
      [
        [1, ':a'],
        [3, ':b'],
      ],
    ],
    ['# x\n; y\n \t:a \t\n', [[3, ':a']]],
    ['', []],
    ['\n\n', []],
  ])('decodes %j', (text, lines) => {
    expect(linesOf(text)).toEqual(lines);
  });

  it.each([
    [':name:rest', 'name'],
    [':name', 'name'],
    ['short', 'hort'],
    ['::', ''],
    ['énameé', Buffer.from('a9', 'hex').toString('latin1')],
  ])('ends the name of %j at the next delimiter, which is a byte', (text, name) => {
    const [rule] = decodeBinfmtD(encodeText(text)).rules;
    if (text.startsWith('é')) expect(encodeText(rule?.name ?? '')[0]).toBe(0xa9);
    else expect(rule?.name).toBe(name);
  });

  it('stops at a line of 1 MiB', () => {
    const text = `:a\n${'x'.repeat(1 << 20)}\n:b\n`;
    expect(decodeBinfmtD(encodeText(text))).toMatchObject({ rules: [{ text: ':a' }], cut: true });
  });

  it('decodes an encoded rule', () => {
    const rules = fc.record({
      name: fc.stringMatching(/^[a-z][\w.-]{0,20}$/),
      magic: fc.uint8Array({ minLength: 1, maxLength: 20 }),
      interpreter: fc.stringMatching(/^\/[\w/.-]{1,30}$/),
      flags: fc.subarray(['P', 'O', 'F'] as const),
    });
    fc.assert(
      fc.property(rules, ({ magic, ...fields }) => {
        const rule: Rule = { ...fields, pattern: { type: 'magic', offset: 0, magic, mask: null } };
        const [line] = decodeBinfmtD(encodeText(encodeBinfmtD(rule))).rules;
        expect(line?.name).toBe(rule.name);
        expect(parseRegister(encodeText(line?.text ?? ''))).toMatchObject({
          rule: { name: rule.name, interpreter: rule.interpreter },
        });
      }),
    );
  });
});
