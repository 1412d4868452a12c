import { execFileSync } from 'node:child_process';
import { mkdirSync, realpathSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from './fixtures/bundle.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();
let program = '';
beforeAll(async () => {
  program = await bundle('mounts-below.ts', folder('mounts-below.cjs'));
  mkdirSync(folder('top/a'), { recursive: true });
  mkdirSync(folder('top/b c'));
  mkdirSync(folder('topmost'));
});

/** The result after these commands, in a new mount namespace. */
function below(...commands: readonly string[]): readonly string[] {
  const script = [...commands, 'exec "$0" "$1" "$PWD/top"'].join(' && ');
  const flags = ['--mount', '--map-root-user', 'sh', '-c', script, process.execPath, program];
  return JSON.parse(execFileSync('unshare', flags, { cwd: realpathSync(folder()), encoding: 'utf8' }));
}
const mount = (place: string): string => `mount -n -t tmpfs none "${place}"`;

describe('mountsBelow', () => {
  it('finds nothing if only the directory itself or a sibling is a mount point', () => {
    expect(below(mount('topmost'))).toEqual([]);
    expect(below('mount -n --bind top top')).toEqual([]);
  });

  it('finds mount points, also stacked ones, but none within them', () => {
    expect(
      below(mount('top/a'), 'mkdir top/a/x', mount('top/a/x'), mount('top/b c'), mount('top/b c')),
    ).toEqual(['a', 'b c']);
  });

  it('finds neither files nor hidden mount points', () => {
    expect(
      below(mount('top/a'), ': >top/a/file', 'mount -n --bind top/a/file top/a/file', 'umount -n -l top/a'),
    ).toEqual([]);
    expect(below(': >topmost/f', 'cd top', ': >b\\ c/f', 'mount -n --bind b\\ c/f b\\ c/f', 'cd ..')).toEqual(
      [],
    );
    expect(below(mount('top/a'), mount('top'))).toEqual([]);
  });
});
