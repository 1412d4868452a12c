/** The original's tests of --import and --unimport, for the original and for ours. */
import { describe, expect, it } from 'vitest';
import { DONE, MAKERS, magicEntry, startSuite } from './support/suite.ts';

const SHELL = '/bin/sh';
const FIRST = { text: `package first\ninterpreter ${SHELL}\nmagic AB\n`, entry: magicEntry(SHELL, '4142') };
const SECOND = {
  text: `package second\ninterpreter ${SHELL}\nmagic zz\nmask \\xff\\xf0\n`,
  file: ['second', 'magic', '0', 'zz', '\\xff\\xf0', SHELL, '', '', '', ''],
  entry: magicEntry(SHELL, '7a7a', { mask: 'fff0' }),
};

describe.each(MAKERS)('--import and --unimport of %s', (maker) => {
  const { update, plant, admin, entry } = startSuite(maker);

  it('accept one file or all', async () => {
    await plant('import/first', 'file', FIRST.text);
    expect(await update('--import', 'first')).toEqual(DONE);
    expect(admin('first')).toEqual(['first', 'magic', '0', 'AB', '', SHELL, '', '', '', '']);
    expect(entry('first')).toEqual(FIRST.entry);

    await plant('import/second', 'file', SECOND.text);
    expect(await update('--import')).toEqual(DONE);
    expect(admin('second')).toEqual(SECOND.file);
    expect(entry('second')).toEqual(SECOND.entry);

    expect(await update('--unimport', 'first')).toEqual(DONE);
    expect(admin('first')).toBeNull();
    expect(entry('first')).toBeNull();
    expect(admin('second')).toEqual(SECOND.file);
    expect(entry('second')).toEqual(SECOND.entry);

    expect(await update('--unimport')).toEqual(DONE);
    expect(admin('second')).toBeNull();
    expect(entry('second')).toBeNull();
  });
});
