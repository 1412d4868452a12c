/** A program inside `enter` shares the caller's terminal, but cannot inject input, and has no access to the session keyring. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { HOST_ARCHES } from '../../src/elf/exec-helper/hosts.ts';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';
import { CTRL_Z, talkAtTerminal } from '../system/support/talk.ts';
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
  // Not the directory of the host's libraries, whose version may differ.
  for (const package_ of unpackPackages('dash', 'libc6', 'coreutils', 'libselinux1', 'libpcre2-8-0'))
    cpSync(package_, folder('dash'), { recursive: true, verbatimSymlinks: true });
  for (const place of ['etc', 'proc', 'sys', 'dev', 'run', 'tmp'])
    mkdirSync(folder('dash', place), { recursive: true });
  for (const user of ['root', 'user']) mkdirSync(folder(`store-${user}`));
  chmodSync(folder('store-user'), 0o777);
});

/** Runs a command on a new terminal; its output is the result of a system call. */
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
  ])("cannot inject input into the caller's terminal: as %s, in a tree for %s", async (who, arch) => {
    expect(resultOf([...ON_TERMINAL, folder(process.arch, 'bin/type')])).not.toBe(EPERM);
    expect(await enter(who, arch, '/bin/type', ON_TERMINAL)).toBe(EPERM);
  });

  it('has its own session keyring', async () => {
    const outside = resultOf([...DECODED, folder(process.arch, 'bin/keyring')]);
    const first = await enter('root', process.arch, '/bin/keyring', DECODED);
    const second = await enter('root', process.arch, '/bin/keyring', DECODED);
    for (const keyring of [outside, first, second]) expect(Number(keyring)).toBeGreaterThan(0);
    expect(new Set([outside, first, second]).size).toBe(3);
  });
});

describe('an interactive dash inside enter', () => {
  const dash = (who: string, ...program: string[]): readonly string[] => {
    const store = folder(`store-${who}`);
    const words = [process.execPath, 'dist/cli.cjs', 'enter', '--quiet', '--store', store, '--net', 'none'];
    return [
      ...(who === 'user' ? AS_USER : []),
      'env',
      `HOME=${store}`,
      ...words,
      folder('dash'),
      '--',
      ...program,
    ];
  };

  it.each(['root', 'user'])('has job control, and returns its status: as %s', async (who) => {
    const talk = talkAtTerminal(dash(who, '/bin/dash'));
    await talk.hear(/# $/);
    talk.say('dash -c \'echo ru""ns; read line\'\n');
    await talk.hear(/runs/);
    talk.say(CTRL_Z);
    await talk.hear(/Stopped.*# $/s);
    talk.say('exit 5\n');
    await talk.hear(/stopped jobs.*# $/s);
    talk.say('exit 5\n');
    const { status, stdout } = await talk.ended;
    expect(stdout).not.toMatch(/tty process group/);
    expect(status).toBe(5);
  });

  it.each(['root', 'user'])('reaches no other root through visible processes: as %s', async (who) => {
    const script = 'for each in /proc/[0-9]*; do echo "$each: $(readlink $each/root)"; done';
    const talk = talkAtTerminal(dash(who, '/bin/dash', '-c', `export PATH=/bin:/usr/bin; ${script}`));
    const { status, stdout } = await talk.ended;
    expect(status).toBe(0);
    const roots = [...stdout.matchAll(/^\/proc\/\d+: (.*?)\r?$/gm)].map(([, root]) => root);
    expect(roots.length).toBeGreaterThan(2);
    expect(roots.filter((root) => root !== '')).toEqual(['/']);
  });
});

/** States of the running processes that are process 1 of a nested PID namespace (proc_pid_status(5)). */
function statesOfFirstProcesses(): readonly string[] {
  const statuses = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/status`, 'utf8');
      } catch {
        return '';
      }
    });
  return statuses
    .filter((status) => /^NSpid:(?:\t\d+)+\t1$/m.test(status) && !/^Pid:\t1$/m.test(status))
    .map((status) => /^State:\t(.)/m.exec(status)?.[1] ?? '')
    .filter((state) => state !== 'Z');
}

it('a program inside enter stops and continues with its caller’s job', async () => {
  const words = ['env', `HOME=${folder('store-root')}`, process.execPath, 'dist/cli.cjs', 'enter', '--quiet'];
  const rest = ['--store', folder('store-root'), '--net', 'none', folder('dash'), '--', '/bin/dash', '-c'];
  writeFileSync(
    folder('go'),
    `#!/bin/sh\nexec ${[...words, ...rest].join(' ')} 'echo in""side; read line; echo "line=$line"; exit 3'\n`,
    { mode: 0o755 },
  );
  const talk = talkAtTerminal(['env', 'PS1=outer> ', 'bash', '--norc', '-i']);
  talk.say(`${folder('go')}\n`);
  await talk.hear(/inside/);
  talk.say(CTRL_Z);
  await talk.hear(/Stopped/);
  talk.say('echo out""side\n');
  await talk.hear(/outside/);
  // Stopped, it would be a job that dash asks about before it exits with the program's status.
  expect(statesOfFirstProcesses()).toEqual(['S']);
  talk.say('fg\n');
  await talk.hear(/go/);
  talk.say('hello\n');
  await talk.hear(/line=hello/);
  talk.say('echo st"a"tus=$?\n');
  await talk.hear(/status=3/);
  talk.say('exit 0\n');
  expect((await talk.ended).status).toBe(0);
});
