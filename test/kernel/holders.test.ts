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

/** Mounts as the shell script in its argument does, and asks whether another mount namespace holds the instance. */
const PROGRAM = `
  import { spawnSync } from 'node:child_process';
  import { isHeldElsewhere } from './src/kernel/holders.ts';
  const { status } = spawnSync('sh', ['-ec', process.argv[2]], { stdio: 'inherit' });
  console.log(JSON.stringify({ status, held: isHeldElsewhere('/proc/sys/fs/binfmt_misc') }));
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

function heldAfter(script: string, flags: readonly string[]): boolean | null {
  const words = [...flags, process.execPath, program, script];
  const { status, held } = JSON.parse(execFileSync('unshare', words, { encoding: 'utf8' }));
  expect(status).toBe(0);
  return held;
}

describe('isHeldElsewhere', () => {
  it('sees a mount in another mount namespace, however new the instance is', () => {
    const script = `${MOUNT}
      unshare --mount sleep infinity &
      while [ "$(readlink /proc/$!/ns/mnt)" = "$(readlink /proc/$$/ns/mnt)" ]; do sleep 0.01; done`;
    expect(heldAfter(script, OWN_INSTANCE)).toBe(true);
  });

  it('knows by its age an instance whose other mounts cannot be seen', () => {
    expect(heldAfter(MOUNT, ['--mount', '--pid', '--fork', '--mount-proc'])).toBe(true);
  });

  it('finds no holder of an instance that we mounted first', () => {
    expect(heldAfter(MOUNT, OWN_INSTANCE)).toBe(false);
  });
});
