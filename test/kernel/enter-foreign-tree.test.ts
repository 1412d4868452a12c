/** Root does not set up a session if another user could redirect its files and mounts. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { AS_USER, binfmtctl, type Circumstances, inShell } from './support/command.ts';

const folder = temporaryFolder();
const USER = 1000;
let busybox = '';
let count = 0;
let tree = '';

beforeAll(() => {
  busybox = join(unpackPackages('busybox-static')[0] ?? '', 'bin/busybox');
  chmodSync(folder(), 0o755);
  mkdirSync(folder('source/sub'), { recursive: true });
});

beforeEach(() => {
  count += 1;
  tree = folder(`tree-${count}`);
  for (const each of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'mnt/sub'])
    mkdirSync(join(tree, each), { recursive: true });
  for (const each of ['etc/resolv.conf', 'etc/hosts']) writeFileSync(join(tree, each), '');
  copyFileSync(busybox, join(tree, 'bin/busybox'));
  symlinkSync('busybox', join(tree, 'bin/sh'));
});

const enter = (options: readonly string[] = [], circumstances?: Circumstances) =>
  binfmtctl(
    ['enter', '--quiet', '--store', folder('store'), ...options, tree, '--', 'sh', '-c', 'echo runs'],
    { ...circumstances, env: { SUDO_UID: '', ...circumstances?.env } },
  );

it('fails without truncating a file if a link replaces a file that it creates', async () => {
  rmSync(join(tree, 'etc/resolv.conf'));
  symlinkSync('/run/resolv.conf', join(tree, 'etc/resolv.conf'));
  const victim = folder('victim');
  writeFileSync(victim, 'precious\n');
  const mount = folder('mount');
  const link = `ln -sf ${victim} ${tree}/run/resolv.conf`;
  copyFileSync('/usr/bin/mount', folder('real-mount'));
  writeFileSync(mount, `#!/bin/sh\n${folder('real-mount')} "$@" || exit\n[ ! -d ${tree}/run ] || ${link}\n`);
  chmodSync(mount, 0o755);
  const { status, stderr } = await enter([], { within: inShell(`mount --bind ${mount} /usr/bin/mount`) });
  expect(readFileSync(victim, 'utf8')).toBe('precious\n');
  expect(status).toBe(125);
  expect(stderr).toMatch(/resolv\.conf.*: (File exists|cannot overwrite existing file)/i);
});

const UNPACK = 'unpack it again as root, in a directory that only root can change';

describe('root', () => {
  const asSudoUser = { env: { SUDO_UID: `${USER}` } };
  const runs = { status: 0, stdout: 'runs\n', stderr: '' };
  const expectRefusal = async (
    weakness: string,
    hint: string,
    options: readonly string[] = [],
    circumstances?: Circumstances,
  ): Promise<void> => {
    expect(await enter(options, circumstances)).toEqual({
      status: 125,
      stdout: '',
      stderr: `binfmtctl: will not enter ${tree} as root: ${weakness}\nhint: users who can change it could redirect root's mounts: ${hint}\n`,
    });
  };

  it("does not enter another user's tree, which that user can enter", async () => {
    for (const each of ['', 'etc', 'run']) chownSync(join(tree, each), USER, USER);
    const hint = `enter it as that user, or ${UNPACK}`;
    await expectRefusal(`${tree} belongs to user ${USER}`, hint);
    await expectRefusal(`${tree} belongs to user ${USER}`, hint, ['--ephemeral', '--read-only'], {
      env: { SUDO_UID: '1001' },
    });
    mkdirSync(folder('home'), { recursive: true });
    chownSync(folder('home'), USER, USER);
    const options = ['--store', folder('home/store')];
    const asUser = { within: AS_USER, env: { HOME: folder('home') } };
    expect(await enter(options, asUser)).toEqual(runs);
    for (const each of ['', 'etc']) chownSync(join(tree, each), 0, 0);
    expect(await enter()).toEqual(runs);
  });

  it('enters a tree of the user who called sudo', async () => {
    for (const each of ['', 'etc', 'run']) chownSync(join(tree, each), USER, USER);
    expect(await enter([], asSudoUser)).toEqual(runs);
  });

  it('enters a tree whose mount points belong to other users, but not their parents', async () => {
    for (const each of ['tmp', 'run', 'mnt']) {
      chownSync(join(tree, each), USER, USER);
      chmodSync(join(tree, each), 0o777);
    }
    expect(await enter(['--bind', `${folder('source')}:/mnt`])).toEqual(runs);
  });

  it('does not enter if others can write to the parent of a mount point', async () => {
    chmodSync(join(tree, 'etc'), 0o777);
    const weakness = `${tree}/etc can be written by others`;
    await expectRefusal(weakness, UNPACK);
    await expectRefusal(weakness, UNPACK, [], asSudoUser);
    // Without a mount there, the directory does not matter.
    expect(await enter(['--net', 'none'])).toEqual(runs);
    // In a sticky directory, other users can replace their own files.
    chmodSync(join(tree, 'mnt'), 0o1777);
    const bind = ['--net', 'none', '--bind', `${folder('source')}:/mnt/sub`];
    await expectRefusal(`${tree}/mnt can be written by others`, UNPACK, bind);
  });

  it('accepts directories that only the private group of the sudo user can write', async () => {
    chownSync(tree, USER, USER);
    chmodSync(tree, 0o775);
    writeFileSync(folder('passwd'), `me:x:${USER}:${USER}::/:/bin/sh\n`);
    const withGroup = (members: string): Circumstances => {
      writeFileSync(folder('group'), `me:x:${USER}:${members}\n`);
      const mounts = ['passwd', 'group'].map((name) => `mount --bind ${folder(name)} /etc/${name}`);
      return { ...asSudoUser, within: inShell(mounts.join(' && ')) };
    };
    expect(await enter([], withGroup(''))).toEqual(runs);
    const weakness = `${tree} can be written by others`;
    await expectRefusal(weakness, UNPACK, [], withGroup('other'));
  });

  it('does not enter below a directory of another user', async () => {
    const parent = folder(`parent's $(echo)`);
    mkdirSync(parent, { recursive: true });
    renameSync(tree, join(parent, 'tree'));
    tree = join(parent, 'tree');
    chownSync(parent, USER, USER);
    const hint = 'enter it as that user, or move the tree to a directory that only root can change';
    await expectRefusal(`${parent} belongs to user ${USER}`, hint);
  });

  it("does not mount below a bind mount of another user's directory", async () => {
    const source = folder('foreign');
    mkdirSync(join(source, 'sub'), { recursive: true });
    chownSync(source, USER, USER);
    const options = ['--bind', `${source}:/mnt`];
    expect(await enter(options)).toEqual(runs);
    await expectRefusal(
      `${source} belongs to user ${USER}`,
      'enter it as that user, or bind on a target that is not below another bind mount',
      [...options, '--bind', `${folder('source')}:/mnt/sub`],
    );
  });
});
