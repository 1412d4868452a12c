import { describe, expect, it } from 'vitest';
import { lineOf } from '../../../../src/cli/binfmt/failure.ts';
import { BinfmtctlError } from '../../../../src/errors.ts';

describe('lineOf', () => {
  it.each([
    [
      'ENTRY_NOT_OURS',
      '`--replace` replaces it',
      'm (remove that entry with --uninstall, then run it again)',
    ],
    [
      'ENTRY_EXISTS',
      'remove it, or use --replace',
      'm (remove that entry with --uninstall, then run it again)',
    ],
    ['EMULATOR_NOT_FOUND', 'name one with --source', 'm'],
    ['NO_BINFMT_MISC', 'run the container with --privileged', 'm (run the container with --privileged)'],
    ['NO_BINFMT_MISC', undefined, 'm'],
  ] as const)('of %s with the hint %j is %j', (code, hint, line) => {
    expect(lineOf(new BinfmtctlError(code, 'm', { hint }))).toBe(line);
  });
});
