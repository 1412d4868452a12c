/** The original's tests of --install and --remove, for the original and for ours. */
import { describe, expect, it } from 'vitest';
import { DONE, extensionEntry, MAKERS, magicEntry, startSuite } from './support/suite.ts';

const SHELL = '/bin/sh';
const unset = ['', '', '', ''];

/** The original suite uses offset 10, for which binfmtctl also warns about scripts: see below. */
const AT_1 = ['--offset', '1', '--magic', 'back', '--mask', '\\x7f\\x7f\\x7f\\x7f'];

describe.each(MAKERS)('--install and --remove of %s', (maker) => {
  const { update, admin, entry } = startSuite(maker);

  it.each([
    {
      what: 'a magic',
      words: ['--magic', 'AB'],
      file: [':', 'magic', '0', 'AB', '', SHELL, ...unset],
      text: magicEntry(SHELL, '4142'),
    },
    {
      what: 'a magic with offset and mask',
      words: AT_1,
      file: [':', 'magic', '1', 'back', '\\x7f\\x7f\\x7f\\x7f', SHELL, ...unset],
      text: magicEntry(SHELL, '6261636b', { offset: 1, mask: '7f7f7f7f' }),
    },
  ])('register $what, and remove it', async ({ words, file, text }) => {
    expect(await update('--install', 'one', SHELL, ...words)).toEqual(DONE);
    expect(admin('one')).toEqual(file);
    expect(entry('one')).toEqual(text);
    expect(await update('--remove', 'one', SHELL)).toEqual(DONE);
    expect(admin('one')).toBeNull();
    expect(entry('one')).toBeNull();
  });

  it.each([
    { what: 'a local format', owner: [], line: ':', stranger: ['--package', 'stranger'] },
    { what: 'a format of a package', owner: ['--package', 'owner'], line: 'owner', stranger: [] },
  ])('keep $what for its owner', async ({ owner, line, stranger }) => {
    const file = [line, 'extension', '0', 'ext', '', SHELL, ...unset];
    expect(await update('--install', 'one', SHELL, '--extension', 'ext', ...owner)).toEqual(DONE);
    expect(admin('one')).toEqual(file);
    expect(entry('one')).toEqual(extensionEntry(SHELL, 'ext'));
    expect(await update('--remove', 'one', SHELL, ...stranger)).toMatchObject({ status: 0 });
    expect(admin('one')).toEqual(file);
    expect(entry('one')).toEqual(extensionEntry(SHELL, 'ext'));
    expect(await update('--remove', 'one', SHELL, ...owner)).toEqual(DONE);
    expect(admin('one')).toBeNull();
    expect(entry('one')).toBeNull();
  });
});

describe('--install', () => {
  const { update, entry } = startSuite('ours');

  it('accepts text at offset 10, and warns about scripts with that text', async () => {
    const ran = await update('--install', 'one', SHELL, '--magic', 'back', '--offset', '10');
    expect(ran).toMatchObject({ status: 0, stderr: expect.stringContaining('also matches `#!` scripts') });
    expect(entry('one')).toEqual(magicEntry(SHELL, '6261636b', { offset: 10 }));
  });

  it.each([
    ['native programs', ['--magic', '\\x7fELF']],
    ['scripts', ['--magic', '#!']],
    ['scripts by the shell that they name', ['--magic', '/bin/sh', '--offset', '2']],
    ['scripts by its mask', ['--magic', '#A', '--mask', '\\xff\\x00']],
    ['its own interpreter', ['--magic', 'good'], 'bin/good'],
  ])('refuses a rule that matches %s', async (_, words, path = SHELL) => {
    const ran = await update('--install', 'one', path, ...words);
    expect(ran).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('would take over') });
    expect(entry('one')).toBeNull();
  });
});
