/** Emulators with bundled libraries run dynamic programs; dynamic emulators run no programs inside another root. */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import type { ElfIdentity } from '../../src/elf/types.ts';
import { buildProgram, code } from '../integration/fixtures/programs.ts';
import { helloForRiscv64 } from '../system/support/hello.ts';
import { binfmtctl, inShell } from './support/command.ts';
import { emulatorFolder, registerOthers } from './support/machine.ts';
import { startWork } from './support/work.ts';

const { at, put, run, store } = startWork();
const RISCV64: ElfIdentity = { class: 64, byteOrder: 'little', machine: 243 };

/** A profile of QEMU under another name that declares bundled libraries. */
const profile = (more: string): string => `kind: emulator
id: wrapping
summary: QEMU by another name
guests: { riscv64: wrapping }
hosts: [x86_64, aarch64]
layouts:
  - { distribution: debian, paths: ['/opt/{target}'], linkage: either }
entry: wrapping
preserveArgv0: { mode: never }
openBinary: true
${more}
version: { arguments: [--version], pattern: '^qemu-\\S+ version (\\d+(?:\\.\\d+)*)' }
`;

describe('run of a dynamic program whose loader is not on this machine', () => {
  const attempt = (more: string) => {
    const program = put(
      'program',
      buildProgram(code.crash, { identity: RISCV64, interpreter: '/lib/none.so' }),
    );
    chmodSync(program, 0o755);
    copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), at('wrapping'));
    mkdirSync(at('profiles'));
    writeFileSync(at('profiles/wrapping.yaml'), profile(more));
    const options = ['--catalogue', at('profiles'), '--emulator', 'wrapping'];
    return run('run', ...options, '--source', `path:${at('wrapping')}`, '--', program);
  };

  it('is left to an emulator with bundled libraries', async () => {
    const { stderr } = await attempt('ownLibraries: true');
    expect(stderr).toContain("Could not open '/lib/none.so'");
    expect(stderr).not.toContain('binfmtctl:');
  });

  it('is refused if the emulator needs the loader', async () => {
    const { status, stderr } = await attempt('');
    expect(stderr).toContain('its loader /lib/none.so is not on this machine');
    expect(status).toBe(127);
  });
});

describe('enter with a dynamic emulator', () => {
  const [qemu = '', ...libraries] = unpackPackages('qemu-user', 'libcapstone4', 'liburing2');
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const lower = [...libraries.map((each) => `${each}/usr/lib/${triplet}`), `/usr/lib/${triplet}`].join(':');
  const within = inShell(`mount -t overlay overlay -o lowerdir=${lower} /usr/lib/${triplet}`);
  const dynamic = join(qemu, 'usr/bin/qemu-riscv64');
  const enter = (...options: readonly string[]) => {
    mkdirSync(at('root/bin'), { recursive: true });
    writeFileSync(at('root/bin/hello'), helloForRiscv64(), { mode: 0o755 });
    const words = ['enter', at('root'), '--store', store, ...options, '--', '/bin/hello'];
    return binfmtctl(words, { within });
  };

  it('is refused with the missing file', async () => {
    const { status, stderr } = await enter('--emulator', 'qemu', '--source', `path:${dynamic}`);
    expect(stderr).toMatch(/cannot run programs inside \S+: it is dynamic, and \S+ has no \/\S+\n/);
    expect(status).toBe(125);
  });

  it('is refused for an entry with flag F, even after it was verified on the host', async () => {
    registerOthers('dynamic', 'riscv64', dynamic, 'F');
    expect((await binfmtctl(['verify', '--store', store], { within })).status).toBe(0);
    const { status, stderr } = await enter();
    expect(stderr).toMatch(/entry dynamic matches riscv64 programs, but .*does not run them: in a chroot: /);
    expect(status).toBe(125);
  });
});
