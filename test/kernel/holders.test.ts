/** Who holds an instance, by the mounts that can be seen and by the age of its files. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/machine.ts';

const MOUNT = 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc';
/** The process is process 1, so that all that it starts ends with it. */
const OWN_INSTANCE = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--mount-proc'];
const program = join(temporaryFolder(), 'program.mjs');

/** Mounts as the shell script in its argument does, and asks what holds the instance. */
const PROGRAM = `
  import { spawnSync } from 'node:child_process';
  import { findHolder } from './src/kernel/holders.ts';
  const { status } = spawnSync('sh', ['-ec', process.argv[2]], { stdio: 'inherit' });
  console.log(JSON.stringify({ status, held: findHolder('/proc/sys/fs/binfmt_misc') }));
`;

beforeAll(() => {
  buildSync({
    stdin: { contents: PROGRAM, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: program,
  });
});

function holderAfter(script: string, flags: readonly string[]): { readonly kind: string } {
  const words = [...flags, process.execPath, program, script];
  const { status, held } = JSON.parse(execFileSync('unshare', words, { encoding: 'utf8' }));
  expect(status).toBe(0);
  return held;
}

describe('findHolder', () => {
  it('sees a mount in another mount namespace, however new the instance is', () => {
    const script = `${MOUNT}
      unshare --mount sleep infinity &
      while [ "$(readlink /proc/$!/ns/mnt)" = "$(readlink /proc/$$/ns/mnt)" ]; do sleep 0.01; done`;
    expect(holderAfter(script, OWN_INSTANCE)).toMatchObject({ kind: 'process', name: 'sleep' });
  });

  it('knows by its age an instance whose other mounts cannot be seen', () => {
    expect(holderAfter(MOUNT, ['--mount', '--pid', '--fork', '--mount-proc'])).toEqual({ kind: 'unseen' });
  });

  it('finds no holder of an instance that we mounted first', () => {
    expect(holderAfter(MOUNT, OWN_INSTANCE)).toEqual({ kind: 'none' });
  });
});
