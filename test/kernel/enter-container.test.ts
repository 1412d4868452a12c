// As root of an existing user namespace, as in a container. This one has its own binfmt_misc, but not its own network.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl } from './support/command.ts';

const folder = temporaryFolder();
const PLACES = ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp'];

beforeAll(async () => {
  const [busybox = ''] = unpackPackages('busybox-static');
  for (const place of PLACES) mkdirSync(folder('root', place), { recursive: true });
  await copyFile(join(busybox, 'bin/busybox'), folder('root/bin/busybox'));
  symlinkSync('busybox', folder('root/bin/sh'));
  for (const file of ['resolv.conf', 'hosts']) writeFileSync(folder('root/etc', file), '');
});

/** The output of a script in a root of the native architecture, without entries. */
async function inside(script: string, ...options: string[]): Promise<string> {
  const words = ['enter', '--quiet', '--store', folder('store'), ...options, folder('root'), '--', 'busybox'];
  const ran = await binfmtctl([...words, 'sh', '-c', script]);
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
  return ran.stdout;
}

describe('a root entered by root of a container', () => {
  it('has its own devices, terminals and processes', async () => {
    expect(await inside('echo $$; : </dev/null && [ -c /dev/ptmx ] && [ -d /proc/1 ] && echo yes')).toMatch(
      /^\d+\nyes\n$/,
    );
  });

  it('has a /sys that is read-only, including its submounts', async () => {
    const groups = readFileSync('/proc/self/mountinfo', 'utf8').match(/ \/sys\/\S+ /g) ?? [];
    const tries = ['/sys', ...groups.map((place) => place.trim())].map(
      (place) => `if /bin/busybox mkdir ${place}/binfmtctl-test 2>/dev/null; then echo ${place}; fi`,
    );
    expect(await inside(`${tries.join('; ')}; echo done`)).toBe('done\n');
  });

  it('has a new /sys with a new network', async () => {
    expect(await inside('/bin/busybox ls /sys/class/net', '--net', 'none')).toMatch(/\blo\b/);
  });

  it('changes no file of the host through links of an ephemeral root', async () => {
    writeFileSync(folder('precious'), 'precious');
    for (const target of ['missing/../out/precious', folder('precious'), '/dev/binfmtctl-test']) {
      const root = folder(`root-${target.length}`);
      mkdirSync(join(root, 'etc'), { recursive: true });
      mkdirSync(join(root, 'bin'));
      await copyFile(folder('root/bin/busybox'), join(root, 'bin/sh'));
      symlinkSync(folder(), join(root, 'etc/out'));
      symlinkSync(target, join(root, 'etc/resolv.conf'));
      const ran = await binfmtctl(['enter', '--quiet', '--ephemeral', root, '--', 'sh', '-c', 'echo in']);
      expect(ran).toEqual({ status: 0, stdout: 'in\n', stderr: '' });
      expect(readFileSync(folder('precious'), 'utf8')).toBe('precious');
    }
  });
});
