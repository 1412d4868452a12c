import { describe, expect, it } from 'vitest';
import { parseBinfmtFlags } from '../../../../src/cli/binfmt/flags.ts';

const parse = (line: string) => parseBinfmtFlags(line.split(' ').filter(Boolean));

describe('parseBinfmtFlags', () => {
  it.each([
    ['', [], []],
    ['--install arm64,linux/riscv64', [], ['arm64', 'linux/riscv64']],
    ['-uninstall qemu-* -install all', ['qemu-*'], ['all']],
    ['--reset', ['qemu-*'], ['all']],
    ['--reset -p yes', ['qemu-*'], ['all']],
    ['-pyes', [], ['all']],
    ['--persistent=yes', [], ['all']],
    ['--reset --install arm64', ['qemu-*'], ['arm64']],
  ])('%j uninstalls %j and installs %j', (line, uninstall, install) => {
    expect(parse(line)).toMatchObject({ action: 'change', uninstall, install });
  });

  it.each([
    ['--install arm64', true],
    ['--install arm64 --credential no', false],
    ['--reset -p yes', false],
    ['--reset -p yes --credential yes', true],
    ['-c yes', true],
    ['-cyes', true],
  ])('%j registers new entries with flag C: %j', (line, credentials) => {
    expect(parse(line)).toMatchObject({ credentials });
  });

  it.each([
    ['-p maybe', 'invalid value "maybe" for flag -persistent: expected yes or no'],
    ['--credential', 'flag needs an argument: -credential'],
    ['-p no', 'flag -persistent no is not supported: entries always have flag F'],
    ['--qemu-suffix x', 'flag provided but not defined: -qemu-suffix'],
  ])('%j is refused', (line, complaint) => {
    expect(parse(line)).toEqual({ complaint });
  });
});
