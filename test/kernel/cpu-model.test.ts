/** The CPU that QEMU emulates. QEMU reports an unknown model itself. */
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import type * as Library from '../../src/index.ts';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { at, store } = startWork();
const [package_ = ''] = unpackPackages('busybox-static:arm64');
const common = ['--store', store, '--source', `dir:${emulatorFolder()}`];
const commands = {
  run: (...options: readonly string[]) => binfmtctl(['run', ...common, ...options, '--', at('root/bin/env')]),
  enter: (...options: readonly string[]) =>
    binfmtctl(['enter', '--quiet', ...common, ...options, at('root'), '--', 'env']),
};

beforeEach(() => {
  for (const folder of ['bin', 'proc']) mkdirSync(at(`root/${folder}`), { recursive: true });
  copyFileSync(join(package_, 'bin/busybox'), at('root/bin/busybox'));
  for (const name of ['env', 'sh']) symlinkSync('busybox', at(`root/bin/${name}`));
});

describe.each(['run', 'enter'] as const)('--cpu of %s', (name) => {
  const command = commands[name];

  it('is the model that QEMU emulates', async () => {
    const ran = await command('--cpu', 'cortex-a53');
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^QEMU_CPU=cortex-a53$/m);
    const unknown = await command('--cpu', 'nosuch');
    expect(unknown).toMatchObject({ status: 1, stdout: '' });
    expect(unknown.stderr).toMatch(/unable to find CPU model 'nosuch'/);
  });

  it('is refused if it is empty or the emulator has no models', async () => {
    expect(await command('--cpu', '')).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^binfmtctl: --cpu is empty\nhint: /),
    });
    expect(await command('--cpu', 'max', '--emulator', 'box64')).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^binfmtctl: --cpu does not apply to box64\nhint: /),
    });
  });
});

describe('the library', () => {
  it('accepts a model, too', async () => {
    const library: typeof Library = await import(pathToFileURL(resolve('dist/index.mjs')).href);
    const options = { store, source: [`dir:${emulatorFolder()}`], cpu: 'cortex-a53' };
    const { stdout } = await library.run([at('root/bin/env')], options);
    expect(stdout).toMatch(/^QEMU_CPU=cortex-a53$/m);
  });
});
