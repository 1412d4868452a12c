/** What holds an instance, according to visible mounts and the age of its files. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/machine.ts';

const MOUNT = 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc';
/** The process is process 1, so that its children end with it. */
const OWN_INSTANCE = ['--user', '--map-root-user', '--mount', '--pid', '--fork', '--mount-proc'];
const program = join(temporaryFolder(), 'program.mjs');

/**
 * Mounts as the shell script in its argument does, and asks what holds the instance. As a refused command does, it marks an instance
 * that nothing else holds, and stays until it can read from the file that the next argument names.
 */
const PROGRAM = `
  import { spawnSync } from 'node:child_process';
  import { readFileSync } from 'node:fs';
  import { findHolder, isShortLived, markShortLived, unmarkShortLived } from './src/binfmt/instance/holders.ts';
  const [, , script, go] = process.argv;
  const { status } = spawnSync('sh', ['-ec', script], { stdio: 'inherit' });
  const directory = '/proc/sys/fs/binfmt_misc';
  const held = findHolder(directory);
  const wasMarked = isShortLived(directory);
  if (held.kind === 'none') markShortLived(directory);
  else unmarkShortLived(directory);
  console.log(JSON.stringify({ status, held, wasMarked, isMarked: isShortLived(directory) }));
  if (go !== undefined) readFileSync(go);
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
  it('finds a mount in another mount namespace, even of a new instance', () => {
    const script = `${MOUNT}
      unshare --mount sleep infinity &
      while [ "$(readlink /proc/$!/ns/mnt)" = "$(readlink /proc/$$/ns/mnt)" ]; do sleep 0.01; done`;
    expect(holderAfter(script, OWN_INSTANCE)).toMatchObject({
      ...{ kind: 'process', name: 'sleep', others: 'unseen' },
    });
  });

  it('concludes from the age of an instance that it has invisible mounts', () => {
    expect(holderAfter(MOUNT, ['--mount', '--pid', '--fork', '--mount-proc'])).toEqual({ kind: 'unseen' });
  });

  it('finds no holder of an instance that we mounted first', () => {
    expect(holderAfter(MOUNT, OWN_INSTANCE)).toEqual({ kind: 'none' });
  });

  it('recognizes an instance that a container mounted first, even after that has ended', () => {
    const folder = temporaryFolder();
    const container = 'unshare --mount --pid --fork --mount-proc "$node" "$program"';
    // The second container starts at least a clock tick after the mount of the first, and looks after the first has ended.
    const script = `cd ${folder}
      mkfifo go
      { ${container} '${MOUNT}' go >first; touch ended; } &
      until [ -s first ]; do sleep 0.01; done
      sleep 0.1
      ${container} '${MOUNT}; echo >go; until [ -e ended ]; do sleep 0.01; done' >second`;
    const env = { ...process.env, node: process.execPath, program };
    execFileSync('unshare', [...OWN_INSTANCE, 'sh', '-ec', script], { env, stdio: 'inherit' });
    const [first, second] = ['first', 'second'].map((name) =>
      JSON.parse(readFileSync(join(folder, name), 'utf8')),
    );
    expect(first).toEqual({ status: 0, held: { kind: 'none' }, wasMarked: false, isMarked: true });
    expect(second).toEqual({ status: 0, held: { kind: 'unseen' }, wasMarked: true, isMarked: false });
  });
});
