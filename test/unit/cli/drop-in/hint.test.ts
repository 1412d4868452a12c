import { describe, expect, it } from 'vitest';
import { withDropInHint } from '../../../../src/cli/drop-in/hint.ts';
import { BinfmtctlError } from '../../../../src/errors.ts';

const failing = (hint: string) => new BinfmtctlError('ENTRY_EXISTS', 'it exists', { hint });

describe('the hint of a drop-in', () => {
  it.each([
    ['replace it with --replace', undefined],
    ['choose another store with --store', undefined],
    ['as root: `mount -o remount,rw /x`', 'as root: `mount -o remount,rw /x`'],
    ['run `binfmtctl import --replace FILE`', 'run `binfmtctl import --replace FILE`'],
    ['choose a shorter name', 'choose a shorter name'],
  ])('from %j is %j', (hint, expected) => {
    expect(withDropInHint(failing(hint), [])).toMatchObject({ message: 'it exists', hint: expected });
  });

  it('may name the options of the drop-in, and concerns failures of ours alone', () => {
    expect(withDropInHint(failing('use --install'), ['--install'])).toMatchObject({ hint: 'use --install' });
    const bug = new Error('a bug');
    expect(withDropInHint(bug, [])).toBe(bug);
  });
});
