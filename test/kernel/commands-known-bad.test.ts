import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeQemu } from '../integration/fixtures/programs.ts';
import { binfmtctl, documentOf, expectRefusal } from './support/command.ts';
import { emulatorFolder, removeAllEntries, snapshot, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const store = temporaryFolder();
const emulators = emulatorFolder();
afterEach(removeAllEntries);

// Debian 12 has QEMU 7.2, with which programs of Go 1.23 and later fail.
const GO = 'golang/go#69259';
const install = (...words: readonly string[]): readonly string[] => ['install', ...words, '--store', store];

/** A directory with a program that reports to be that version of QEMU for arm64. */
function folderWith(version: string, name = version): string {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'qemu-aarch64'), fakeQemu(version));
  chmodSync(join(own, 'qemu-aarch64'), 0o755);
  return own;
}

describe('an emulator version with known problems', () => {
  it('is installed with a warning about symptom, workaround and source', async () => {
    const { status, stderr } = await binfmtctl(install('riscv64,s390x', '--source', `dir:${emulators}`));
    expect(status).toBe(0);
    const warnings = stderr.split('\n').filter((line) => line.startsWith('warning:'));
    expect(warnings).toContainEqual(
      expect.stringMatching(
        /^warning: qemu 7\.2\.\d+ has a known problem with riscv64, s390x: .*EINVAL.*; to avoid it, run `sudo binfmtctl install riscv64 s390x --source oci --store \S+`$/,
      ),
    );
    expect(warnings.filter((line) => line.includes(GO))).toHaveLength(1);
  });

  it('is refused with --strict and leaves nothing', async () => {
    const before = snapshot(store);
    await expectRefusal(install('riscv64', '--source', `dir:${emulators}`, '--strict'), {
      status: 1,
      code: 'EMULATOR_UNFIT',
      message:
        /cannot use emulator \S*qemu-riscv64-static: qemu 7\.2\.\d+ has known problems with riscv64: .*golang/,
      hint: /^use 8\.0 or later.*; or omit --strict to get a warning/,
    });
    expect(snapshot(store)).toEqual(before);
  });

  it('is refused with --strict even if it is already registered', async () => {
    await documentOf(install('riscv64', '--source', `dir:${emulators}`));
    const words = install('riscv64', '--strict', '--source', `dir:${emulators}`);
    expect((await binfmtctl(words)).status).toBe(1);
    await documentOf(['uninstall', '--all', '--store', store]);
  });

  it('makes --all --strict fail if there is no other', async () => {
    const { status, stderr } = await binfmtctl(install('--all', '--strict', '--source', `dir:${emulators}`));
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('has known problems with'),
    });
    expect(snapshot(store).entries).toEqual({});
  });

  it('is used only if this machine has no other', async () => {
    const PATH = `${folderWith('9.2.0')}:${folderWith('9.9.9')}:${process.env['PATH']}`;
    const planned = async (...more: readonly string[]) =>
      JSON.stringify(await documentOf(install('arm64', '--dry-run', ...more), { env: { PATH } }));
    expect(await planned()).toContain(join(folder, '9.9.9/qemu-aarch64'));
    expect(await planned('--strict')).toContain(join(folder, '9.9.9/qemu-aarch64'));
  });

  it('is skipped with --strict in favor of the next source', async () => {
    const sources = ['--source', `dir:${folderWith('9.2.0')}`, '--source', `dir:${folderWith('9.9.9')}`];
    const version = async (...more: readonly string[]) => {
      const { stdout } = await binfmtctl(install('arm64', '--no-verify', ...sources, ...more));
      expect(stdout).toMatch(/^\? arm64 +qemu 9\S+ .* not verified$/m);
      const { entries } = await documentOf<{ entries: { version: string }[] }>(['status', '--store', store]);
      await documentOf(['uninstall', '--all', '--store', store]);
      return entries.map((each) => each.version);
    };
    expect(await version()).toEqual(['9.2.0']);
    expect(await version('--strict')).toEqual(['9.9.9']);
  });

  it("can be defined in a user's profile", async () => {
    const catalogue = join(folder, 'profiles/emulator');
    mkdirSync(catalogue, { recursive: true });
    const own = { range: '9.9.9', guests: ['aarch64'], hosts: ['*'], kernels: '>=4.0.0' };
    writeFileSync(
      join(catalogue, 'qemu.yaml'),
      JSON.stringify({
        ...{ kind: 'emulator', id: 'qemu', summary: 'QEMU', guests: { aarch64: 'aarch64' } },
        ...{ hosts: ['x86_64', 'aarch64'], entry: 'qemu-{target}', openBinary: true },
        layouts: [
          { distribution: 'own', paths: ['/usr/bin/qemu-{target}'], packages: [], linkage: 'static' },
        ],
        preserveArgv0: { mode: 'never' },
        version: { arguments: ['--version'], pattern: 'version (\\S+)' },
        knownBad: [{ ...own, symptom: 'never ends', wayOut: 'use another', source: 'own/own#1' }],
      }),
    );
    const words = ['install', 'arm64', '--dry-run', '--catalogue', join(folder, 'profiles')];
    words.push('--store', join(folder, 'other-store'));
    const { status, stderr } = await binfmtctl(words, {
      env: { PATH: `${folderWith('9.9.9')}:${process.env['PATH']}` },
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^warning: qemu 9\.9\.9 has a known problem with arm64: never ends \(own\/own#1\); to avoid it, run `sudo binfmtctl /m,
    );
  });

  it('causes no warning with --quiet', async () => {
    symlinkSync(join(emulators, 'qemu-sh4-static'), join(folder, 'qemu-sh4-static'));
    const words = install('sh4', '--dry-run', '--quiet');
    const ran = await binfmtctl(words, { env: { PATH: `${folder}:${process.env['PATH']}` } });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
  });
});
