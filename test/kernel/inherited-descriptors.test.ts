// Node marks inherited descriptors close-on-exec up to the first gap above 15: these are below, above, and behind gaps.
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder } from './support/machine.ts';

const folder = temporaryFolder();
const OPEN = [3, 9, 17, 40, 100].map((descriptor) => `${descriptor}<"$0"`).join(' ');
const LIST = 'for each in /proc/self/fd/*; do readlink "$each"; done | grep secret; echo end';

beforeAll(() => {
  const [busybox = ''] = unpackPackages('busybox-static');
  for (const place of ['root/bin', 'root/proc', 'tools']) mkdirSync(folder(place), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), folder('root/bin/busybox'));
  for (const name of ['sh', 'readlink', 'grep']) symlinkSync('busybox', folder('root/bin', name));
  writeFileSync(folder('secret'), ':x:E::binfmtctl-test::/bin/true:\n', { mode: 0o600 });
});

/** bash, because dash has no redirection of two digits. */
const withOpen = ([command = '', ...words]: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  binfmtctl([command, '--store', folder('store'), ...words], {
    env,
    within: ['bash', '-c', `exec ${OPEN}; exec "$@"`, folder('secret')],
  });

describe('descriptors that the caller left open', () => {
  it.each([
    ['a program of this machine', () => ['run']],
    ['a program in namespaces', () => ['run', '--arch', 'riscv64', '--source', `dir:${emulatorFolder()}`]],
    ['a program in a root', () => ['enter', '--quiet', folder('root')]],
  ])('are closed in %s', async (_, words) => {
    const ran = await withOpen([...words(), '--', 'sh', '-c', LIST]);
    expect(ran).toEqual({ status: 0, stdout: 'end\n', stderr: '' });
  });

  it('are closed in the tools that a command starts', async () => {
    const said = folder('said');
    const spy = `#!/bin/sh\n(${LIST}) >>${said}\nPATH=\${PATH#*:}; exec flock "$@"\n`;
    writeFileSync(folder('tools/flock'), spy, { mode: 0o755 });
    const env = { PATH: `${folder('tools')}:${process.env['PATH']}` };
    expect(await withOpen(['uninstall', '--all'], env)).toMatchObject({ status: 0 });
    expect(readFileSync(said, 'utf8')).toMatch(/^(end\n)+$/);
  });

  it('can be read by the command if an argument names one', async () => {
    expect(await withOpen(['import', '--dry-run', '/dev/fd/100'])).toMatchObject({ status: 0, stderr: '' });
  });
});
