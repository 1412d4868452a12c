import { describe, expect, it } from 'vitest';
import { commandFirst, outputFlags } from '../../../../src/cli/grammar/common.ts';

const words = (line: string): readonly string[] => line.split(' ').filter(Boolean);

describe('commandFirst', () => {
  it.each([
    ['status --json', 'status --json'],
    ['--json status', 'status --json'],
    ['-q --store /s install arm64', 'install -q --store /s arm64'],
    ['--store=/s -v run --arch arm64 -- ls --json', 'run --store=/s -v --arch arm64 -- ls --json'],
    ['--store status uninstall', 'uninstall --store status'],
    ['--help install', 'install --help'],
    ['--version status', 'status --version'],
  ])('of %s is %s', (line, expected) => {
    expect(commandFirst(words(line))).toEqual(words(expected));
  });

  it.each(['', '--json', '--help', '-qv', '--dry-run install', '--install all', '-- status', '--store'])(
    'is null for %j, which names no command before an unknown option',
    (line) => {
      expect(commandFirst(words(line))).toBeNull();
    },
  );
});

describe('outputFlags', () => {
  it('are those of binfmtctl, not of a program that it runs', () => {
    expect(outputFlags(words('run --json -- ls --verbose'))).toEqual({ json: true, verbose: false });
    expect(outputFlags(words('run -v -- ls --json'))).toEqual({ json: false, verbose: true });
  });
});
