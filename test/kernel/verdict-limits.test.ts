/** Entries that work only in some places, and places where entries cannot be seen. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { binfmtctl, documentOf, inShell } from './support/command.ts';
import { emulatorFolder, registerOthers, removeAllEntries, temporaryFolder } from './support/machine.ts';

const store = join(temporaryFolder(), 'store');

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

describe('a dynamic emulator', () => {
  const [qemu = '', ...libraries] = unpackPackages('qemu-user', 'libcapstone4', 'liburing2');
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const lower = [...libraries.map((each) => `${each}/usr/lib/${triplet}`), `/usr/lib/${triplet}`].join(':');
  const within = inShell(`mount -t overlay overlay -o lowerdir=${lower} /usr/lib/${triplet}`);
  const inside = (...words: readonly string[]) => binfmtctl([...words, '--store', store], { within });

  const limit = /^! riscv64 .*host only: the emulator is dynamic/m;

  it('is installed with a limit that verify and status report', async () => {
    const dynamic = `path:${join(qemu, 'usr/bin/qemu-riscv64')}`;
    const words = ['install', 'riscv64', '--emulator', 'qemu', '--source', dynamic];
    for (const each of [words, ['status'], ['verify'], ['install', 'riscv64']]) {
      const ran = await inside(...each);
      expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(limit) });
    }
  }, 60_000);

  // FEX registers itself with F even if it is a dynamic build.
  it('is not expected to work in chroots because of flag F', async () => {
    registerOthers('FEX', 'riscv64', join(qemu, 'usr/bin/qemu-riscv64'), 'F');
    const { status, stdout } = await inside('verify', '--verbose');
    expect(stdout).toMatch(limit);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/ yes +no +\S+ +no +- /) });
    expect((await inside('status')).stdout).toMatch(limit);
  });
});

describe('binfmt_misc that is not mounted here', () => {
  it('does not make working entries fail', async () => {
    await documentOf(['install', 'arm64', '--source', `dir:${emulatorFolder()}`, '--store', store]);
    const within = inShell('umount /proc/sys/fs/binfmt_misc');
    const status = await binfmtctl(['status', '--store', store], { within });
    const verify = await binfmtctl(['verify', 'arm64', '--verbose', '--store', store], { within });
    expect(status).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/not mounted; .* may still be/),
    });
    expect(verify).toMatchObject({ status: 0, stdout: expect.stringMatching(/^arm64 +yes +yes +yes/m) });
    expect(verify.stdout).toMatch(/^binfmt_misc is not mounted at /m);
  }, 60_000);
});
