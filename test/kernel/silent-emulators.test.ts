/** Emulators that time out, and emulators that no default source has: binfmtctl fetches nothing for them. */
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, code } from '../integration/fixtures/programs.ts';
import { binfmtctl } from './support/command.ts';
import { entries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const asked = at('asked');
const env = { PATH: `${at('bin')}:${process.env['PATH']}` };
const run = (store: string, ...words: readonly string[]) =>
  binfmtctl([...words, '--store', at(store)], { env });

beforeAll(() => {
  mkdirSync(at('bin'));
  mkdirSync(at('catalogue'));
  writeFileSync(at('bin/qemu-s390x-static'), buildProgram(code.hang));
  writeFileSync(at('bin/apt-get'), `#!/bin/sh\n: > ${asked}\nexit 1\n`);
  for (const name of ['qemu-s390x-static', 'apt-get']) chmodSync(at(`bin/${name}`), 0o755);
  const profile = `kind: emulator
id: elsewhere
summary: an emulator that no archive has
guests: { riscv64: elsewhere }
hosts: [x86_64, aarch64]
layouts:
  - { distribution: debian, paths: [/usr/bin/elsewhere], packages: [], linkage: either }
entry: elsewhere
preserveArgv0: { mode: never }
openBinary: false
version: { arguments: [--version], pattern: '(\\d+)' }
knownBad: []
`;
  writeFileSync(at('catalogue/elsewhere.yaml'), profile);
});
afterAll(() => rmSync(asked, { force: true }));

describe('an emulator that does not answer', () => {
  it('is not replaced from a default source; its timeout is the error', async () => {
    const [real, dry, all] = await Promise.all([
      run('real', 'install', 's390x'),
      run('dry', 'install', 's390x', '--dry-run'),
      run('all', 'install', 's390x', '--dry-run', '--json', '--emulator', 'qemu'),
    ]);
    const silence = /^binfmtctl: .*qemu-s390x-static did not report its version within 30 s\nhint: /m;
    for (const { status, stderr } of [real, dry, all]) {
      expect(status).toBe(1);
      expect(stderr).toMatch(silence);
    }
    expect(existsSync(asked)).toBe(false);
    expect(entries()).toEqual({});
  });
});

describe('an emulator that is in no archive', () => {
  it('is not searched in any', async () => {
    const words = ['install', 'riscv64', '--emulator', 'elsewhere', '--catalogue', at('catalogue')];
    const { status, stderr } = await run('elsewhere', ...words, '--verbose');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^binfmtctl: no emulator elsewhere for riscv64 found for this machine/m);
    expect(stderr).not.toMatch(/apt:|oci:/);
    expect(existsSync(asked)).toBe(false);
  });
});
