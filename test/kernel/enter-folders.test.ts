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

describe('the folder to begin in', () => {
  it.each([
    ['one of the root', [], '/tmp/../usr/', '/usr'],
    ['one in memory', [], '/run/lock', '/run/lock'],
    ['what is bound', ['--bind', 'SOURCE:/mnt'], '/mnt/below', '/mnt/below'],
    ['what is bound in memory', ['--bind', 'SOURCE:/tmp/a/b'], '/tmp/a/b/below', '/tmp/a/b/below'],
    ['what is made for that', ['--bind', 'SOURCE:/tmp/a/b'], '/tmp/a', '/tmp/a'],
    ['what is bound where nothing was', ['--ephemeral', '--bind', 'SOURCE:/new'], '/new', '/new'],
  ])('may be %s', async (_, options, workdir, found) => {
    const words = options.map((word) => word.replace('SOURCE', folder('source')));
    expect(await enter(...words, '--workdir', workdir, folder('root'), '--', 'pwd')).toEqual({
      status: 0,
      stdout: `${found}\n`,
      stderr: '',
    });
  });

  it.each(['/none', '/tmp/own', '/run/none', 'usr'])(
    'is refused where it will not be there: %s',
    async (workdir) => {
      const { status, stderr } = await enter('--workdir', workdir, folder('root'), '--', 'pwd');
      expect(status).toBe(125);
      expect(stderr).toMatch(/^binfmtctl: --workdir .* is not a directory in .*\nhint: .*\n$/);
    },
  );
});

it('executes a program that is bound', async () => {
  const bind = ['--bind', `${folder('source')}:/run/source`, '--workdir', '/run/source'];
  expect(await enter(...bind, folder('root'), '--', './tool')).toEqual({
    status: 0,
    stdout: 'tool in /run/source\n',
    stderr: '',
  });
});

it.each(['a b', '-box', 'x'.repeat(65), 'a/b'])('refuses a host name that is none: %s', async (hostname) => {
  const { status, stderr } = await enter(`--hostname=${hostname}`, folder('root'));
  expect(status).toBe(125);
  expect(stderr).toMatch(/^binfmtctl: no host name: .*\nhint: .*\n$/);
});
