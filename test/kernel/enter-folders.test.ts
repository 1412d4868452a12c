import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl } from './support/command.ts';

const folder = temporaryFolder();

beforeAll(() => {
  const [busybox = ''] = unpackPackages('busybox-static');
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp/own', 'mnt', 'usr'])
    mkdirSync(folder('root', place), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), folder('root/bin/busybox'));
  for (const name of ['sh', 'pwd']) symlinkSync('busybox', folder('root/bin', name));
  mkdirSync(folder('source/below'), { recursive: true });
  writeFileSync(folder('source/tool'), '#!/bin/sh\necho "tool in $PWD"\n', { mode: 0o755 });
});

const enter = (...words: string[]) =>
  binfmtctl(['enter', '--quiet', '--store', folder('store'), '--net', 'none', ...words]);

describe('the working directory', () => {
  it.each([
    ['a directory of the root', [], '/tmp/../usr/', '/usr'],
    ['a directory in a tmpfs', [], '/run/lock', '/run/lock'],
    ['a directory in a bind mount', ['--bind', 'SOURCE:/mnt'], '/mnt/below', '/mnt/below'],
    [
      'a directory in a bind mount in a tmpfs',
      ['--bind', 'SOURCE:/tmp/a/b'],
      '/tmp/a/b/below',
      '/tmp/a/b/below',
    ],
    ['a directory that is created for a bind mount', ['--bind', 'SOURCE:/tmp/a/b'], '/tmp/a', '/tmp/a'],
    ['a bind mount with a new mount point', ['--ephemeral', '--bind', 'SOURCE:/new'], '/new', '/new'],
  ])('may be %s', async (_, options, workdir, found) => {
    const words = options.map((word) => word.replace('SOURCE', folder('source')));
    expect(await enter(...words, '--workdir', workdir, folder('root'), '--', 'pwd')).toEqual({
      status: 0,
      stdout: `${found}\n`,
      stderr: '',
    });
  });

  it.each(['/none', '/tmp/own', '/run/none', 'usr'])(
    'is refused if it will not exist: %s',
    async (workdir) => {
      const { status, stderr } = await enter('--workdir', workdir, folder('root'), '--', 'pwd');
      expect(status).toBe(125);
      expect(stderr).toMatch(/^binfmtctl: --workdir .* is not a directory in .*\nhint: .*\n$/);
    },
  );
});

it('executes a program in a bind mount', async () => {
  const bind = ['--bind', `${folder('source')}:/run/source`, '--workdir', '/run/source'];
  expect(await enter(...bind, folder('root'), '--', './tool')).toEqual({
    status: 0,
    stdout: 'tool in /run/source\n',
    stderr: '',
  });
});

it.each(['a b', '-box', 'x'.repeat(65), 'a/b'])('refuses an invalid host name: %s', async (hostname) => {
  const { status, stderr } = await enter(`--hostname=${hostname}`, folder('root'));
  expect(status).toBe(125);
  expect(stderr).toMatch(/^binfmtctl: no host name: .*\nhint: .*\n$/);
});
