import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withMountPoint } from '../../src/system/namespace/mount-point.ts';
import { processTag } from '../../src/system/process/process-tag.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const at = temporaryFolder();
const fresh = () => mkdtemp(at('x-'));

/** The tag of a process that has ended. */
function endedTag(): string {
  const { pid } = spawnSync('true');
  return processTag().replace(/^\d+/, `${pid}`);
}

describe('a temporary mount point', () => {
  it('exists while the action runs, for one session only', async () => {
    const parent = await fresh();
    await withMountPoint(parent, (first) =>
      withMountPoint(parent, async (second) => {
        expect(second).not.toBe(first);
        for (const each of [first, second]) expect(statSync(each).mode & 0o777).toBe(0o700);
      }),
    );
    expect(readdirSync(parent)).toEqual([]);
  });

  it('is removed after a failure', async () => {
    const parent = await fresh();
    const failure = withMountPoint(parent, () => Promise.reject(new Error('failed')));
    await expect(failure).rejects.toThrow('failed');
    expect(readdirSync(parent)).toEqual([]);
  });

  it('of a killed run is removed by the next one, without its contents', async () => {
    const parent = await fresh();
    const tag = endedTag();
    mkdirSync(join(parent, `mount-${tag}-aaaaaa`));
    mkdirSync(join(parent, `mount-${tag}-bbbbbb`));
    writeFileSync(join(parent, `mount-${tag}-bbbbbb`, 'file'), 'kept');
    await withMountPoint(parent, async () => {});
    expect(readdirSync(parent)).toEqual([`mount-${tag}-bbbbbb`]);
  });

  it('of a running session is kept', async () => {
    const parent = await fresh();
    mkdirSync(join(parent, `mount-${processTag()}-aaaaaa`));
    await withMountPoint(parent, async () => {});
    expect(readdirSync(parent)).toHaveLength(1);
  });
});
