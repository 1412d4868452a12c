import { describe, expect, it } from 'vitest';
import { firstMatch, matches } from '../../../src/rule/match.ts';
import type { Entry, Pattern } from '../../../src/rule/types.ts';

const magic = (hex: string, mask: string | null = null, offset = 0): Pattern => ({
  type: 'magic',
  offset,
  magic: Uint8Array.from(Buffer.from(hex, 'hex')),
  mask: mask === null ? null : Uint8Array.from(Buffer.from(mask, 'hex')),
});
const extension = (extension: string): Pattern => ({ type: 'extension', extension });
const head = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

describe('matches', () => {
  it.each<[string, boolean, Pattern, string]>([
    ['the same bytes', true, magic('4142'), 'ABC'],
    ['other bytes', false, magic('4142'), 'AC'],
    ['at an offset', true, magic('42', null, 1), 'AB'],
    ['only the bits of the mask', true, magic('4100', 'f000'), 'OK'],
    ['a magic bit outside the mask', true, magic('ff', '0f'), 'O'],
    ['a bit of the mask that differs', false, magic('41', 'fe'), 'B'],
    ['zeros beyond the end of the file', true, magic('410000'), 'A'],
    ['an empty file as zeros', true, magic('0000', null, 100), ''],
    ['a mask of zeros with everything', true, magic('41', '00'), ''],
    ['the last byte of the buffer', true, magic('42', null, 255), `${'A'.repeat(255)}B`],
  ])('compares %s', (_, expected, pattern, text) => expect(matches(pattern, head(text), 'f')).toBe(expected));

  it.each([
    ['x.foo', true],
    ['.foo', true],
    ['a.tar.foo', true],
    ['/d.bar/x.foo', true],
    ['foo', false],
    ['x.FOO', false],
    ['x.foo.bar', false],
    ['d.foo/prog', false],
    ['x.foo/', false],
    ['x.', false],
  ])('uses the extension after the last dot of the path %s', (path, expected) => {
    expect(matches(extension('foo'), head(''), path)).toBe(expected);
  });

  it('never matches an extension with a dot', () => {
    expect(matches(extension('tar.gz'), head(''), 'a.tar.gz')).toBe(false);
  });
});

describe('firstMatch', () => {
  const entry = (name: string, pattern: Pattern, enabled = true): Entry => ({
    name,
    pattern,
    enabled,
    interpreter: '/i',
    flags: [],
  });

  it('returns the newest enabled entry that matches', () => {
    const other = entry('other', magic('5a'));
    const off = entry('off', magic('41'), false);
    const entries = [other, off, entry('newer', extension('x')), entry('older', magic('41'))];
    expect(firstMatch(entries, head('A'), 'a.x')?.name).toBe('newer');
    expect(firstMatch(entries, head('A'), 'a')?.name).toBe('older');
    expect(firstMatch(entries, head('B'), 'a')).toBeNull();
  });
});
