/** `update-binfmts` where binfmt-support, which brings its directories, was never installed. */
import { afterEach, expect, it } from 'vitest';
import { binfmtctl, type Ran } from '../support/command.ts';
import { entries, removeAllEntries } from '../support/machine.ts';

afterEach(removeAllEntries);

/** Runs a script whose `u` is update-binfmts, where `/var/lib` and `/usr/share` are empty. */
const run = (script: string): Promise<Ran> =>
  binfmtctl(['update-binfmts'], {
    within: [
      ...['unshare', '--mount', 'sh', '-c'],
      `mount -t tmpfs none /var/lib && mount -t tmpfs none /usr/share || exit 99
      u() { "$node" "$cli" update-binfmts "$@"; }
      node=$1 cli=$2
      ${script}`,
      'sh',
    ],
  });

it.each(['--display', '--enable', '--import', '--unimport', '--find /bin/true'])(
  'finds no formats with %s, and succeeds',
  async (words) => {
    expect(await run(`u ${words}`)).toEqual({ status: 0, stdout: '', stderr: '' });
  },
);

it('makes its directory when it installs a format', async () => {
  const script = `u --install made /bin/true --extension made && u --display && stat -c %a /var/lib/binfmts`;
  const { status, stdout, stderr } = await run(`umask 077; ${script}`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/^made \(enabled\):\n(?:.*\n)*755\n$/);
  expect(Object.keys(entries())).toEqual(['made']);
});

it('refuses a directory of the command line that is missing, as the original does', async () => {
  expect(await run('u --admindir /nowhere --display')).toMatchObject({
    status: 2,
    stderr: 'update-binfmts: unable to open /nowhere: No such file or directory\n',
  });
});
