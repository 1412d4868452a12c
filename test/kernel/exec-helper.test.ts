/** Exec helpers for all architectures that Node supports: the native one directly, the others with Debian's emulators. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import {
  buildExecHelper,
  decodeExecReport,
  EXEC_FAILED,
  type ExecFailure,
  type ExecRequest,
} from '../../src/elf/exec-helper/exec-helper.ts';
import { debianEmulators } from './support/debian-emulators.ts';

const EMULATORS = debianEmulators();
/** The architecture's name in Node, and in an emulator. */
const ARCHES = [
  ...[['arm', 'arm'] as const, ['arm64', 'aarch64'] as const, ['ia32', 'i386'] as const],
  ...[['loong64', 'loongarch64'] as const, ['mipsel', 'mipsel'] as const, ['ppc64', 'ppc64le'] as const],
  ...[['riscv64', 'riscv64'] as const, ['s390x', 's390x'] as const, ['x64', 'x86_64'] as const],
];
const { EACCES, ENOENT } = constants.errno;
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
let folder: string;
let inside: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exec-helper-'));
  chmodSync(folder, 0o755);
  inside = join(folder, 'inside');
  for (const name of ['bin', 'work']) mkdirSync(join(inside, name), { recursive: true });
  copyFileSync(join(unpackPackages('busybox-static')[0] ?? '', 'bin/busybox'), join(inside, 'bin/busybox'));
  writeFileSync(join(inside, 'plain'), '', { mode: 0o644 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(ARCHES)('an exec helper for Node on %s', (arch, emulator) => {
  const busybox = (script: string): readonly Uint8Array[] => ['busybox', 'sh', '-c', script].map(bytesOf);
  const execute = (execution: Partial<ExecRequest>, before: readonly string[] = []): Promise<Outcome> => {
    const path = bytesOf(join(inside, 'bin/busybox'));
    const whole = { path, argv: busybox('exit 9'), environment: [], ...execution };
    return run(arch, emulator, whole, before);
  };

  it('passes arguments and variables byte for byte', async () => {
    const environment = ['MY-PASS=hunter2', 'RAW=\xff\xfex', 'EMPTY=', 'LD_X=a b'];
    const argv = ['busybox', 'sh', '-c', 'cat /proc/$$/cmdline /proc/$$/environ; exit', '\xe9', ''];
    const { stdout } = await execute({ argv: argv.map(bytesOf), environment: environment.map(bytesOf) });
    expect(stdout).toBe([...argv, ...environment, ''].join('\0'));
  });

  it('closes its own descriptors', async () => {
    const argv = busybox('cd /proc/self/fd; for each in 4 8; do [ ! -e "$each" ] || echo "$each"; done');
    expect(await execute({ argv })).toMatchObject({ stdout: '', status: 0, failure: null });
  });

  it('changes the root, the working directory and the user', async () => {
    const argv = busybox('pwd; echo /*; id -u');
    const entered = { workdir: bytesOf('/work'), uid: 0, filtersTerminal: false };
    const told = await execute({ path: bytesOf('/bin/busybox'), argv, inside: entered });
    expect(told).toEqual({ stdout: '/work\n/bin /plain /work\n0\n', status: 0, failure: null });
  });

  it.each(['missing', 'plain'])('reports why it cannot execute a program: %s', async (name) => {
    const errno = name === 'missing' ? ENOENT : EACCES;
    expect(await execute({ path: bytesOf(join(inside, name)) })).toEqual({
      stdout: '',
      status: EXEC_FAILED,
      failure: { call: 'execve', errno },
    });
  });

  it.each([
    ['chroot', ['setpriv', '--bounding-set=-sys_chroot', '--'], '/'],
    ['setuid', ['setpriv', '--bounding-set=-setuid', '--'], '/'],
    ['chdir', [], '/missing'],
  ] as const)('executes nothing if %s failed', async (call, before, workdir) => {
    const path = bytesOf(call === 'chroot' ? join(inside, 'bin/busybox') : '/bin/busybox');
    const told = await execute(
      { path, inside: { workdir: bytesOf(workdir), uid: 1, filtersTerminal: false } },
      before,
    );
    expect(told).toMatchObject({ stdout: '', status: EXEC_FAILED, failure: { call } });
  });
});

interface Outcome {
  readonly stdout: string;
  readonly status: number | null;
  readonly failure: ExecFailure | null;
}

async function run(
  arch: string,
  emulator: string,
  execution: ExecRequest,
  before: readonly string[],
): Promise<Outcome> {
  const file = join(folder, arch);
  writeFileSync(file, buildExecHelper(arch, execution, { own: 4, report: 8 }));
  chmodSync(file, 0o755);
  const own = openSync(file, 'r');
  const how = arch === process.arch ? [] : [EMULATORS.get(emulator) ?? ''];
  const [command = '', ...args] = [...before, ...how, file];
  const child = spawn(command, args, {
    cwd: inside,
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', own, 'ignore', 'ignore', 'ignore', 'pipe'],
  });
  closeSync(own);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, report] = await Promise.all([
    buffer(child.stdout as Readable),
    buffer(child.stdio[8 as never] as Readable),
  ]);
  return { stdout: stdout.toString('latin1'), status: await ended, failure: decodeExecReport(arch, report) };
}
