/** Dynamic foreign programs in a root without their loader. */
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder } from './support/machine.ts';

const folder = temporaryFolder();
let dash = '';

beforeAll(() => {
  [dash = ''] = unpackPackages('dash:arm64');
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp'])
    mkdirSync(folder('root', place), { recursive: true });
  copyFileSync(join(dash, 'bin/dash'), folder('root/bin/dash'));
});

const enter = () => {
  const options = [
    '--quiet',
    '--store',
    folder('store'),
    '--source',
    `dir:${emulatorFolder()}`,
    '--net',
    'none',
  ];
  return binfmtctl(['enter', ...options, folder('root'), '--', '/bin/dash', '-c', 'echo runs']);
};

it('report the missing loader, and run once it exists', async () => {
  const { status, stdout, stderr } = await enter();
  expect({ status, stdout }).toEqual({ status: 127, stdout: '' });
  expect(stderr).toMatch(
    /^binfmtctl: cannot execute \/bin\/dash: \S+ lacks its loader \/lib\/ld-linux-aarch64\.so\.1\nhint: .+\n$/,
  );
  const [libc = ''] = unpackPackages('libc6:arm64');
  cpSync(libc, folder('root'), { recursive: true, verbatimSymlinks: true });
  expect(await enter()).toEqual({ status: 0, stdout: 'runs\n', stderr: '' });
});
