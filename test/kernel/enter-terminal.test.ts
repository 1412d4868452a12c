/** What a program inside `enter` shares with its caller: the terminal, but not its input, and no session keyring. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { HOST_ARCHES } from '../../src/elf/exec-hosts.ts';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { callProgram, TYPED } from './support/call-program.ts';
import { AS_USER, binfmtctl } from './support/command.ts';

const folder = temporaryFolder();
const EPERM = '-1';
/** linux/keyctl.h */
const KEYCTL_GET_KEYRING_ID = 0;
const KEY_SPEC_SESSION_KEYRING = 0xfffffffd;
const foreign = process.arch === 'arm64' ? 'x64' : 'arm64';
let qemu = '';

beforeAll(() => {
  qemu = join(unpackPackages('qemu-user-static')[0] ?? '', 'usr/bin');
  chmodSync(folder(), 0o755);
  for (const arch of [process.arch, foreign]) {
    const host = HOST_ARCHES.get(arch);
    if (host === undefined) throw new Error(`unknown arch ${arch}`);
    const ioctl = host.terminal.abis[0]?.ioctl[0] ?? 0;
    for (const place of ['bin', 'proc', 'sys', 'dev', 'run', 'tmp'])
      mkdirSync(folder(arch, place), { recursive: true });
    const [type] = host.terminal.typing;
    writeFileSync(folder(arch, 'bin/type'), callProgram(host, ioctl, [0, type, TYPED]), { mode: 0o755 });
    const session = [KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0];
    writeFileSync(folder(arch, 'bin/keyring'), callProgram(host, host.syscalls.keyctl, session), {
      mode: 0o755,
    });
  }
  for (const user of ['root', 'user']) mkdirSync(folder(`store-${user}`));
  chmodSync(folder('store-user'), 0o777);
});

/** Runs a command on a terminal of its own; its output is the result of a system call. */
const ON_TERMINAL = ['sh', '-c', 'script -qec "$*" /dev/null | od -An -td4', 'sh'];
const DECODED = ['sh', '-c', '"$@" | od -An -td4', 'sh'];

const resultOf = ([command = '', ...args]: readonly string[]): string =>
  execFileSync(command, args, { encoding: 'utf8' }).trim();

async function enter(who: string, arch: string, program: string, within: readonly string[]): Promise<string> {
  const store = folder(`store-${who}`);
  const options = ['--quiet', '--store', store, '--source', `dir:${qemu}`, '--net', 'none'];
  const ran = await binfmtctl(['enter', ...options, folder(arch), '--', program], {
    within: [...(who === 'user' ? AS_USER : []), ...within],
    env: { HOME: store },
  });
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
}

describe('a program inside enter', () => {
  it.each([
    ['root', process.arch],
    ['root', foreign],
    ['user', process.arch],
    ['user', foreign],
  ])('cannot type into the terminal of its caller: as %s, in a tree for %s', async (who, arch) => {
    expect(resultOf([...ON_TERMINAL, folder(process.arch, 'bin/type')])).not.toBe(EPERM);
    expect(await enter(who, arch, '/bin/type', ON_TERMINAL)).toBe(EPERM);
  });

  it('has a session keyring of its own', async () => {
    const outside = resultOf([...DECODED, folder(process.arch, 'bin/keyring')]);
    const first = await enter('root', process.arch, '/bin/keyring', DECODED);
    const second = await enter('root', process.arch, '/bin/keyring', DECODED);
    for (const keyring of [outside, first, second]) expect(Number(keyring)).toBeGreaterThan(0);
    expect(new Set([outside, first, second]).size).toBe(3);
  });
});
