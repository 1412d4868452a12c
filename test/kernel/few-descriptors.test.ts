/** Errors of commands without enough file descriptors or in a removed directory. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const env = { TMPDIR: join(folder, 'tmp') };
mkdirSync(env.TMPDIR);
const install = [
  'install',
  'arm64',
  'riscv64',
  '--source',
  `dir:${emulatorFolder()}`,
  '--store',
  join(folder, 'store'),
];
afterEach(removeAllEntries);

/** With fewer, Node fails before it reads the program: it needs 22 itself. */
function startsWith(limit: number): boolean {
  const words = [`--nofile=${limit}`, process.execPath, resolve('dist/cli.cjs'), '--version'];
  return spawnSync('prlimit', words).status === 0;
}

it.each([20, 22, 24, 26, 28, 30].filter(startsWith))(
  'names the limit of %i open files, without a stack trace',
  async (limit) => {
    const ran = await binfmtctl(install, { env, within: ['prlimit', `--nofile=${limit}`] });
    expect(ran.stderr).not.toMatch(/\n\s+at |Node\.js v|mistake in binfmtctl/);
    if (ran.status === 0) expect(Object.keys(entries()).sort()).toEqual(['qemu-aarch64', 'qemu-riscv64']);
    else {
      expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining('ulimit -n') });
      expect(entries()).toEqual({});
    }
    const next = await binfmtctl(['uninstall', 'no-such-*', '--store', join(folder, 'store')], { env });
    expect({ status: next.status, left: readdirSync(env.TMPDIR) }).toEqual({ status: 0, left: [] });
  },
);

it('works in a directory that has been removed, and names it for a relative path', async () => {
  const script = `mkdir ${folder}/gone && cd ${folder}/gone && rmdir ${folder}/gone && exec "$@"`;
  const within = ['sh', '-c', script, 'sh'];
  expect(await binfmtctl(install, { env, within })).toMatchObject({ status: 0 });
  const bundle = ['bundle', '-o', 'relative.tar', 'arm64', '--store', join(folder, 'store')];
  expect(await binfmtctl(bundle, { env, within })).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/the current directory has been removed\nhint: .*cd \//),
  });
});
