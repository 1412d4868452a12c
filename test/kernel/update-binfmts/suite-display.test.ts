/** The original's tests of --display, --enable and --disable, for the original and for ours. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DONE, extensionEntry, MAKERS, magicEntry, startSuite } from './support/suite.ts';

const SHELL = '/bin/sh';
const MAGIC = {
  file: [':', 'magic', '0', 'AB', '', SHELL, '', '', '', ''],
  entry: magicEntry(SHELL, '4142'),
  shown: `one (enabled):
     package = <local>
        type = magic
      offset = 0
       magic = AB
        mask = 
 interpreter = ${SHELL}
    detector = 
`,
};
const EXTENSION = {
  file: ['owner', 'extension', '0', 'ext', '', SHELL, '', '', '', ''],
  entry: extensionEntry(SHELL, 'ext'),
  shown: `two (enabled):
     package = owner
        type = extension
      offset = 0
       magic = ext
        mask = 
 interpreter = ${SHELL}
    detector = 
`,
};

describe.each(MAKERS)('%s', (maker) => {
  const { update, admin, entry, isMounted } = startSuite(maker);

  beforeEach(async () => {
    expect(await update('--install', 'one', SHELL, '--magic', 'AB')).toEqual(DONE);
    expect(admin('one')).toEqual(MAGIC.file);
    expect(entry('one')).toEqual(MAGIC.entry);
    expect(await update('--install', 'two', SHELL, '--extension', 'ext', '--package', 'owner')).toEqual(DONE);
    expect(admin('two')).toEqual(EXTENSION.file);
    expect(entry('two')).toEqual(EXTENSION.entry);
  });

  it('displays a format, whoever owns it', async () => {
    expect(await update('--display', 'one')).toEqual({ ...DONE, stdout: MAGIC.shown });
    expect(await update('--display', 'two')).toEqual({ ...DONE, stdout: EXTENSION.shown });
    expect(await update('--display', 'none')).toMatchObject({ status: 2, stdout: '' });
  });

  it('enables and disables one format or all', async () => {
    expect(await update('--disable', 'one')).toEqual(DONE);
    expect(entry('one')).toBeNull();
    expect(entry('two')).toEqual(EXTENSION.entry);
    expect(await update('--disable', 'two')).toEqual(DONE);
    expect(entry('two')).toBeNull();

    expect(await update('--enable', 'one')).toEqual(DONE);
    expect(entry('one')).toEqual(MAGIC.entry);
    expect(entry('two')).toBeNull();
    expect(await update('--enable')).toEqual(DONE);
    expect(entry('one')).toEqual(MAGIC.entry);
    expect(entry('two')).toEqual(EXTENSION.entry);

    expect(await update('--disable')).toEqual(DONE);
    expect(entry('one')).toBeNull();
    expect(entry('two')).toBeNull();
    expect(isMounted()).toBe(false);
  });
});
