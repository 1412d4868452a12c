/** argv[0] on kernels that do not tell emulators about flag P: uname(2) reports Linux 2.6 here. */
import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf, inShell } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerOthers,
  removeAllEntries,
  temporaryFolder,
} from './support/machine.ts';

const folder = temporaryFolder();
const store = join(folder, 'store');
const oldKernel = ['setarch', '--uname-2.6'];
const source = ['--source', `dir:${emulatorFolder()}`];

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

const interpreterOf = (name: string): string => /^interpreter (.*)$/m.exec(entries()[name] ?? '')?.[1] ?? '';

/** Runs a command with Debian's QEMU package for s390x installed, whose program has that name. */
function withPackage(name: string): readonly string[] {
  const usr = join(folder, name);
  for (const each of ['bin', 'libexec/qemu-binfmt']) mkdirSync(join(usr, each), { recursive: true });
  copyFileSync(join(emulatorFolder(), 'qemu-s390x-static'), join(usr, 'bin', name));
  symlinkSync(`../../bin/${name}`, join(usr, 'libexec/qemu-binfmt/s390x-binfmt-P'));
  return inShell(
    ['bin', 'libexec']
      .map((each) => `mount -t overlay none -o lowerdir=${usr}/${each}:/usr/${each} /usr/${each}`)
      .join(' && '),
  );
}

interface Proved {
  readonly proofs: readonly { readonly argv0: { readonly holds: boolean }; readonly verdict: object }[];
}

describe('on a kernel before 5.12', () => {
  it('Debian’s QEMU is registered with P, under a name in the store that indicates P', async () => {
    const words = ['install', 'riscv64', ...source, '--store', store];
    const planned = await binfmtctl([...words, '--dry-run'], { within: oldKernel });
    expect(planned.status).toBe(0);
    const { proofs } = await documentOf<Proved>(words, { within: oldKernel });
    expect(proofs).toMatchObject([{ argv0: { holds: true }, verdict: { outcome: 'works', limits: [] } }]);
    expect(basename(interpreterOf('qemu-riscv64'))).toBe('riscv64-binfmt-P');
    expect(interpreterOf('qemu-riscv64')).toMatch(new RegExp(`^${store}/sha256/`));
    expect(entries()['qemu-riscv64']).toMatch(/^flags: PO?F$/m);
    const { stdout } = await binfmtctl(['status', '--store', store], { within: oldKernel });
    expect(stdout).toMatch(/^.*riscv64 +qemu /m);
    await documentOf(['uninstall', '--all', '--purge', '--store', store]);
  });

  it('the distribution’s name is used if it exists', async () => {
    const within = [...withPackage('qemu-s390x'), ...oldKernel];
    const { proofs } = await documentOf<Proved>(['install', 's390x', '--store', store], { within });
    expect(proofs).toMatchObject([{ argv0: { holds: true } }]);
    expect(interpreterOf('qemu-s390x')).toBe('/usr/libexec/qemu-binfmt/s390x-binfmt-P');
  });

  it('warns about an emulator that ignores its name', async () => {
    const plain = join(folder, 'plain');
    mkdirSync(plain);
    copyFileSync(join(emulatorFolder(), 'qemu-s390x-static'), join(plain, 'qemu-s390x-static'));
    registerOthers('qemu-s390x', 's390x', join(plain, 'qemu-s390x-static'), 'F');
    const { stdout } = await binfmtctl(['install', 's390x', '--store', store], { within: oldKernel });
    expect(stdout).toContain('argv[0] is not preserved');
    expect(stdout).toContain('entry qemu-s390x has no flag P');
  });
});

it('on a later kernel, the emulator’s plain name is used, because Debian 12 packages both', async () => {
  const within = withPackage('qemu-s390x-static');
  const { proofs } = await documentOf<Proved>(['install', 's390x', '--store', store], { within });
  expect(proofs).toMatchObject([{ argv0: { holds: true }, verdict: { outcome: 'works' } }]);
  expect(interpreterOf('qemu-s390x')).toBe('/usr/bin/qemu-s390x-static');
});

it('such a name is recognized as QEMU’s', async () => {
  const named = join(folder, 'riscv64-binfmt-P');
  copyFileSync(join(emulatorFolder(), 'qemu-riscv64-static'), named);
  registerOthers('debian', 'riscv64', named, 'PF');
  expect((await binfmtctl(['verify', 'riscv64', '--store', store])).status).toBe(0);
  const { entries: lines } = await documentOf<{ entries: object[] }>(['status', '--store', store]);
  expect(lines).toMatchObject([{ emulator: 'qemu', version: expect.stringMatching(/^\d+\.\d+/) }]);
});
