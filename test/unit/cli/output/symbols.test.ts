import { describe, expect, it } from 'vitest';
import { hasUnicode, withSymbols } from '../../../../src/cli/output/symbols.ts';

describe('UTF-8', () => {
  it.each([
    [{ LANG: 'C.UTF-8' }, true],
    [{ LANG: 'de_DE.utf8' }, true],
    [{ LANG: 'C', LC_ALL: 'en_US.UTF-8' }, true],
    [{ LANG: 'en_US.UTF-8', LC_CTYPE: 'C' }, false],
    [{ LANG: 'en_US.UTF-8', LC_ALL: 'POSIX' }, false],
    [{ LANG: 'en_US.ISO-8859-1' }, false],
    [{ LANG: 'en_US.UTF-8', TERM: 'dumb' }, false],
    [{ LANG: 'en_US.UTF-8', TERM: 'linux' }, false],
    [{}, false],
  ])('with %j: %s', (environment, expected) => {
    expect(hasUnicode(environment)).toBe(expected);
  });
});

it('symbols have a form in ASCII, one column wide in front of lines', () => {
  const text = '✔ a → b\n✖ c…\n! ä';
  expect(withSymbols(text, { LANG: 'C' })).toBe('+ a -> b\nx c~\n! ä');
  expect(withSymbols(text, { LANG: 'C.UTF-8' })).toBe(text);
});
