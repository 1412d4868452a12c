/** Emulators that are built for another arch that this machine runs natively: Debian's i386 QEMU on x86_64. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { buildProbe, PROBE_EXIT_STATUS, probeEnvironment } from '../../src/elf/probe.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { binfmtctl } from './support/command.ts';
import { BINFMT, entries } from './support/machine.ts';
import { runsI386 } from './support/native-i386.ts';
import { startWork } from './support/work.ts';

const { at, put, run, store } = startWork();
const [package_ = ''] = unpackPackages('qemu-user:i386@trixie');
const qemu = (arch: string): string => join(package_, `usr/bin/qemu-${arch}`);

describe.runIf(process.arch === 'x64')('an emulator that is built for i386', () => {
  it.runIf(runsI386)('is installed and proved if i386 programs run natively', async () => {
    const { status, stdout } = await run('install', 'arm', '--source', `path:${qemu('arm')}`);
    expect([status, Object.keys(entries())]).toEqual([0, ['qemu-arm']]);
    expect(stdout).toContain('registered and verified');
    expect((await run('verify', 'arm')).status).toBe(0);
  });

  it.runIf(runsI386)('runs a program without an entry', async () => {
    const arch = builtinCatalogue().arches['arm'];
    if (arch === undefined) throw new Error('no profile of arm');
    const program = put('program', buildProbe(arch.elf, arch.probe));
    chmodSync(program, 0o755);
    const words = ['run', '--store', store, '--source', `path:${qemu('arm')}`, '--', program];
    const { status, stderr } = await binfmtctl(words, { env: probeEnvironment });
    expect([status, stderr]).toEqual([PROBE_EXIT_STATUS, '']);
  });

  it('is refused if no probe can tell whether i386 programs run natively', async () => {
    const interpreter = put('interpreter', '#!/bin/sh\nexec true\n');
    chmodSync(interpreter, 0o755);
    // The sysctl belongs to the user namespace that unshare creates.
    writeFileSync(at('hiding'), `:hiding:M::\\x7fELF\\x01\\x01::${interpreter}:`);
    const script = [
      `mount -t binfmt_misc binfmt_misc ${BINFMT} || exit 99`,
      `printf %s "$(cat ${at('hiding')})" > ${BINFMT}/register || exit 99`,
      'echo 0 > /proc/sys/user/max_user_namespaces || exit 99',
      'exec "$@"',
    ].join('\n');
    const within = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
    const words = ['install', 'm68k', '--source', `path:${qemu('m68k')}`, '--store', at('store')];
    const { status, stderr } = await binfmtctl(words, { within });
    expect(stderr).toContain(
      'it is built for i386; cannot determine whether this machine runs i386 programs: ',
    );
    expect(status).toBe(1);
  });

  it('is refused, with the name of its arch, if such programs do not run', async () => {
    const [foreign = ''] = unpackPackages('box64:arm64@trixie');
    const words = ['install', 'riscv64', '--source', `path:${join(foreign, 'usr/bin/box64')}`];
    const { status, stderr } = await run(...words);
    expect(stderr).toContain('it is built for aarch64, which this machine does not run');
    expect([status, entries()]).toEqual([1, {}]);
  });
});
