import { describe, expect, it } from 'vitest';
import { parseGoFlags } from '../../../../src/compat/command-line/go-flags.ts';

const parse = (...words: readonly string[]) => parseGoFlags(words, ['install', 'mount'], ['version']);

describe('parseGoFlags', () => {
  it.each([
    [['-install', 'arm64'], { install: 'arm64' }],
    [['--install=arm64,amd64', '-mount', '/x'], { install: 'arm64,amd64', mount: '/x' }],
    [['--install='], { install: '' }],
    [['--install', '--version'], { install: '--version' }],
    [['-version'], { version: 'true' }],
    [['--version=F'], { version: 'false' }],
    [['arm64', '-install', 'x'], {}],
    [['-', '-install', 'x'], {}],
    [['--', '-install', 'x'], {}],
    [['-install', 'a', '-install', 'b'], { install: 'b' }],
  ])('reads %j', (words, expected) => {
    const read = parse(...words);
    expect('values' in read && Object.fromEntries(read.values)).toEqual(expected);
  });

  it.each([
    [['-install'], 'flag needs an argument: -install'],
    [['--unknown=x'], 'flag provided but not defined: -unknown'],
    [['-version=2'], 'invalid boolean value "2" for -version: parse error'],
    [['---install', 'x'], 'bad flag syntax: ---install'],
    [['-=x'], 'bad flag syntax: -=x'],
  ])('reports the error in %j: %s', (words, complaint) => {
    expect(parse(...words)).toEqual({ complaint });
  });
});
