import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../integration/fixtures/bundle.ts';
import { temporaryFolder } from './support/machine.ts';
import { asSubordinate, MAPS, SUBORDINATE, USER } from './support/subordinate.ts';

const folder = temporaryFolder();
let program = '';
let user: readonly string[] = [];
beforeAll(async () => {
  program = await bundle('run-mapped.ts', join(folder, 'run-mapped.cjs'));
  user = asSubordinate(folder);
});

function mapped(within: readonly string[], maps: object | null, command: readonly string[], input = '') {
  const [file = '', ...args] = [...within, process.execPath, program, JSON.stringify(maps), ...command];
  const { stdout, stderr } = spawnSync(file, args, { input, encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Record<string, unknown>;
}
const sh = (script: string): readonly string[] => ['sh', '-c', script];
/** Removes the padding of uid_map. */
const SHOWN = sh("tr -s ' ' < /proc/self/uid_map; tr -s ' ' < /proc/self/gid_map");
const only = (outside: number) => [{ inside: 0, outside, count: 1 }];

describe('a program in a user namespace', () => {
  it("of a plain user has the user's ID and those assigned in /etc/subuid", () => {
    const ranges = ` 0 ${USER} 1\n 1 ${SUBORDINATE.first} ${SUBORDINATE.count}\n`;
    expect(mapped(user, MAPS, SHOWN)).toEqual({ exitCode: 0, stdout: ranges.repeat(2), stderr: '' });
    const script = `touch ${folder}/x 2>&1; mkdir /tmp/m$$ && chown 33:44 /tmp/m$$ && stat -c %u:%g /tmp/m$$; rmdir /tmp/m$$`;
    expect(mapped(user, MAPS, sh(script))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/Permission denied\n33:44\n$/),
    });
  });

  it("of a plain user may have only the user's ID, without any tool", () => {
    const maps = { uid: only(USER), gid: only(USER) };
    const alone = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--no-new-privs'];
    expect(
      mapped(alone, maps, [...SHOWN.slice(0, 2), `id -u; ${SHOWN[2]}; cat /proc/self/setgroups`]),
    ).toEqual({
      exitCode: 0,
      stdout: `0\n 0 ${USER} 1\n 0 ${USER} 1\ndeny\n`,
      stderr: '',
    });
  });

  it('of root has all IDs that root maps', () => {
    const range = [
      { inside: 0, outside: 100_000, count: 1000 },
      { inside: 1000, outside: 0, count: 1 },
    ];
    const { stdout } = mapped([], { uid: range, gid: range }, sh(`id -u; ${SHOWN[2]}`));
    expect(stdout).toMatch(/^1000\n 0 100000 1000\n 1000 0 1\n/);
  });

  it('reads all its input', () => {
    const input = 'abc\n'.repeat(500_000);
    expect(mapped(user, MAPS, ['wc', '-c'], input)).toMatchObject({ stdout: `${input.length}\n` });
    expect(mapped([], null, ['wc', '-c'], input)).toMatchObject({ stdout: `${input.length}\n` });
  });

  it('may end without reading its input, with its own status and output', () => {
    const input = 'abc\n'.repeat(500_000);
    // The writer has closed the pipe, so it has seen that nothing reads it before the program ends.
    const closed =
      'for each in /proc/[0-9]*/fd/*; do [ "$(readlink $each)" = "$pipe" ] && continue 2; done; break';
    const script = sh(
      `pipe=$(readlink /proc/self/fd/0); exec <&-; while :; do ${closed}; done 2>/dev/null; echo why >&2; exit 3`,
    );
    expect(mapped(user, MAPS, script, input)).toEqual({ exitCode: 3, stdout: '', stderr: 'why\n' });
    expect(mapped(user, MAPS, ['/absent'])).toMatchObject({ exitCode: 127 });
  });

  it('is not started if the caller may not map its IDs', () => {
    const foreign = [...MAPS.uid, { inside: 70_000, outside: 900_000, count: 1 }];
    expect(mapped(user, { ...MAPS, uid: foreign }, ['touch', join(folder, 'started')])).toMatchObject({
      code: 'NO_PRIVILEGE',
      message: expect.stringMatching(/^newuidmap cannot map IDs .*not allowed/),
      hint: expect.stringContaining('/etc/subuid'),
    });
    expect(mapped([], null, ['ls', folder])).not.toMatchObject({
      stdout: expect.stringContaining('started'),
    });
  });

  it('is not started if the namespace cannot be created', () => {
    const none = ['sh', '-c', 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', 'sh'];
    const within = ['unshare', '--user', '--map-root-user', ...none];
    expect(mapped(within, { uid: only(0), gid: only(0) }, ['true'])).toMatchObject({
      code: 'NO_PRIVILEGE',
      message: expect.stringMatching(/^cannot create a user namespace: .*No space left/),
    });
  });
});
