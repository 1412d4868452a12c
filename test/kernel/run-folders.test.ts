import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl } from './support/command.ts';

const folder = temporaryFolder();
/** Runs a native program in the directory of the tests, after a shell script. */
const runAfter = (script: string, ...words: string[]) =>
  binfmtctl(['run', '--store', folder('store'), ...words], {
    within: ['sh', '-c', `cd "$1" && shift && ${script} && exec "$@"`, 'sh', folder()],
  });

beforeAll(() => {
  mkdirSync(folder('tree'));
  writeFileSync(folder('file'), '');
});

describe('run', () => {
  it('works in a removed directory', async () => {
    expect(await runAfter('mkdir gone && cd gone && rmdir ../gone', 'echo', 'hello')).toEqual({
      status: 0,
      stdout: 'hello\n',
      stderr: '',
    });
  });

  it('passes an absolute sysroot path to child processes', async () => {
    const { stdout } = await runAfter('true', '--sysroot', 'tree', 'sh', '-c', 'echo "$QEMU_LD_PREFIX"');
    expect(stdout).toBe(`${folder('tree')}\n`);
  });

  it.each(['none', 'file'])('refuses a sysroot that is not a directory: %s', async (sysroot) => {
    const { status, stderr } = await runAfter('true', '--sysroot', sysroot, 'echo');
    expect(status).toBe(125);
    expect(stderr).toMatch(/^binfmtctl: .*\n(hint: .*\n)?$/);
  });
});
