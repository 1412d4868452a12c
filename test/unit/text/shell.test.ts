import { describe, expect, it } from 'vitest';
import { commandLine, printfFormat, quote } from '../../../src/text/shell.ts';

// test/integration/shell-words.test.ts checks that shells read the words back.
describe('quote', () => {
  it('leaves plain words as they are', () => {
    expect(quote('--wd=/a/b.c,d:e@f%g+h_1')).toBe('--wd=/a/b.c,d:e@f%g+h_1');
  });

  it.each([
    '',
    ' ',
    'a b',
    '$x',
    '`x`',
    '~',
    '*',
    '#',
    '!',
    ';',
    '\n',
    'a\n',
    '\\',
    '"',
    '{a,b}',
    'é',
    '&',
    '[a]',
  ])('puts %j in quotes', (word) => {
    expect(quote(word)).toBe(`'${word}'`);
  });

  it('escapes single quotes', () => {
    expect(quote("it's")).toBe(`'it'\\''s'`);
  });
});

describe('commandLine', () => {
  it('keeps words apart', () => {
    expect(commandLine(['/bin/mount', '-o', 'a b', ''])).toBe("/bin/mount -o 'a b' ''");
  });
});

describe('printfFormat', () => {
  it('escapes everything that printf or a shell would interpret', () => {
    const format = printfFormat(Uint8Array.from({ length: 256 }, (_, byte) => byte));
    expect(format).toMatch(/^'[^'%]*'$/);
    expect(format.replaceAll(/\\[0-7]{3}/g, '')).not.toContain('\\');
  });

  it('never looks like an option', () => {
    expect(printfFormat(Buffer.from('-v'))).not.toMatch(/^'-/);
  });
});
