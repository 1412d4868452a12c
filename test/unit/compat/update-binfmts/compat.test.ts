/** Each case was observed with Debian's update-binfmts 2.2.2 and a hand-written admin file. */
import { describe, expect, it } from 'vitest';
import { matchesCompat } from '../../../../src/compat/update-binfmts/compat.ts';
import type { Description } from '../../../../src/file-format/binfmt-support.ts';
import { encodeText } from '../../../../src/rule/text.ts';

const description = (fields: Partial<Description>): Description => ({
  package: ':',
  type: 'extension',
  offset: '0',
  magic: 'bar',
  mask: '',
  interpreter: '/bin/true',
  detector: '',
  credentials: '',
  preserve: '',
  fix_binary: '',
  ...fields,
});

const takes = (fields: Partial<Description>, path: string, head = ''): boolean =>
  matchesCompat(description(fields), path, encodeText(head));

describe('matching an extension like update-binfmts', () => {
  it.each([
    ['', true],
    ['abc', true],
    ['\\x00\\xff\\xff', true],
    ['\\xff\\xff', false],
    ['\\xff\\xff\\xff\\xff', false],
  ])('with the mask %j matches a file: %j', (mask, taken) => {
    expect(takes({ mask }, '/a.bar')).toBe(taken);
  });

  it.each([
    ['\\x62\\x61\\x72', '/a.bar', true],
    ['bar\\x00x', '/a.bar', true],
    ['\\x00bar', '/a.', true],
    ['', '/a.', true],
    ['', '/a', false],
    ['\\xc3\\xbc', '/a.ü', true],
  ])('with the extension %j matches %j: %j', (magic, path, taken) => {
    expect(takes({ magic }, path)).toBe(taken);
  });
});

describe('matching a magic like update-binfmts', () => {
  it.each([
    ['AB', '', 'ABC', true],
    ['AB', '\\x00\\xff', 'ABC', true],
    ['AB', '\\x00', 'ABC', false],
    ['AB', '\\xff\\x00', 'ABC', false],
    ['\\x00B', '\\xff\\xff', '\0BC', true],
  ])('%j with the mask %j matches %j: %j', (magic, mask, head, taken) => {
    expect(takes({ type: 'magic', magic, mask }, '/a', head)).toBe(taken);
  });
});
