// The library as a package has it: what is built.
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import type * as Library from '../../src/index.ts';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';

const folder = temporaryFolder();
const INSTANCE = '/proc/sys/fs/binfmt_misc';
const [qemu = '', busybox = ''] = unpackPackages('qemu-user-static', 'busybox-static:arm64');
let library: typeof Library;
const options = () => ({ store: folder('store'), source: [`dir:${join(qemu, 'usr/bin')}`] });

beforeAll(async () => {
  library = await import(pathToFileURL(resolve('dist/index.mjs')).href);
  for (const place of ['bin', 'etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'mnt'])
    mkdirSync(folder('root', place), { recursive: true });
  copyFileSync(join(busybox, 'bin/busybox'), folder('root/bin/busybox'));
  symlinkSync('busybox', folder('root/bin/sh'));
});

describe('run of the library', () => {
  it('gives a process at once, that says who runs it and ends as execa has it', async () => {
    const script = 'read line; echo "$line from $(busybox uname -m)"; echo aside >&2; exit 3';
    const started = library.run([folder('root/bin/busybox'), 'sh', '-c', script], {
      ...options(),
      subprocess: { input: 'hello\n', reject: false, env: { PATH: folder('root/bin') } },
    });
    expect(started.pid).toBeGreaterThan(0);
    expect(await started.emulation).toMatchObject({
      private: true,
      arches: [{ arch: 'aarch64', by: 'private', entry: 'qemu-aarch64' }],
    });
    const { exitCode, stdout, stderr } = await started;
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 3,
      stdout: 'hello from aarch64',
      stderr: 'aside',
    });
    expect(readdirSync(INSTANCE).sort()).toEqual(['register', 'status']);
  });

  it('hands signals on to the program', async () => {
    const script = 'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 1; done';
    const started = library.run([folder('root/bin/busybox'), 'sh', '-c', script], {
      ...options(),
      subprocess: { reject: false },
    });
    started.stdout?.once('data', () => started.kill('SIGTERM'));
    expect(await started).toMatchObject({ exitCode: 5, stdout: 'ready\ncaught' });
  });

  it('ends the program when its signal is aborted', async () => {
    const abort = new AbortController();
    const started = library.run([folder('root/bin/busybox'), 'sh', '-c', 'echo ready; sleep 60'], {
      ...options(),
      signal: abort.signal,
    });
    started.stdout?.once('data', () => abort.abort('enough'));
    await expect(started).rejects.toMatchObject({ code: 'INTERRUPTED', cause: 'enough' });
  });

  it('rejects with the exit status and the output of a program that fails', async () => {
    const program = folder('root/bin/busybox');
    const started = library.run([program, 'sh', '-c', 'echo partly; exit 3'], options());
    const failure = await started.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(library.BinfmtctlError);
    expect(failure).toMatchObject({
      name: 'ProgramError',
      code: 'PROGRAM_FAILED',
      message: `${program} exited with status 3`,
      exitCode: 3,
      stdout: 'partly',
    });
  });

  it('rejects with what kept a program from starting', async () => {
    await expect(library.run([folder('missing')], options())).rejects.toMatchObject({
      code: 'PROGRAM_NOT_FOUND',
    });
  });

  it('tells who does not want an exception what kept a program from starting', async () => {
    const started = library.run([folder('missing')], { ...options(), subprocess: { reject: false } });
    await expect(started.emulation).rejects.toMatchObject({ code: 'PROGRAM_NOT_FOUND' });
    expect(await started).toMatchObject({ exitCode: 127 });
  });
});

describe('enter of the library', () => {
  it('runs a program in a root, with what it was told', async () => {
    const script = '[ -f /run/told/library-emulated.test.ts ] && echo "$WORD" "$(pwd)" "$(busybox uname -m)"';
    const { stdout } = await library.enter(folder('root'), ['busybox', 'sh', '-c', script], {
      ...options(),
      binds: [`${resolve('test/kernel')}:/run/told:ro`],
      environment: { WORD: 'a word' },
      workdir: '/tmp',
    });
    expect(stdout).toBe('a word /tmp aarch64');
  });

  it('keeps variables out of command lines, and takes large ones', async () => {
    const environment = { 'MY-PASS': 'hunter2', LARGE: 'x'.repeat(120_000), MORE: 'y'.repeat(120_000) };
    const script = `busybox tr '\\0' '\\n' </proc/$$/environ | busybox grep -c -x -e 'MY-PASS=hunter[2]' -e 'LARGE=x*' -e 'MORE=y*'
      busybox grep -ls "hunter[2]" /mnt/[0-9]*/cmdline; echo end`;
    const { stdout } = await library.enter(folder('root'), ['busybox', 'sh', '-c', script], {
      ...options(),
      binds: ['/proc:/mnt'],
      environment,
    });
    expect(stdout).toBe('3\nend');
  });

  it.each([
    [
      { LARGE: 'x'.repeat(200_000) },
      { exitCode: 126, stderr: expect.stringMatching(/: Argument list too long\n/) },
    ],
    [{ NUL: 'a\0LD_PRELOAD=b' }, { code: 'USAGE', message: 'invalid variable: "NUL"' }],
  ])('rejects a variable that no program can have', async (environment, failure) => {
    const started = library.enter(folder('root'), [], { ...options(), environment });
    expect(await started.catch((error: unknown) => error)).toMatchObject(failure);
  });

  it('rejects for what is no root', async () => {
    const started = library.enter(folder('root/bin/busybox'), [], { ...options() });
    const failed = started.catch((error: unknown) => error);
    await expect(started.emulation).rejects.toMatchObject({ code: 'BAD_SOURCE' });
    const error = await failed;
    expect(error).toBeInstanceOf(library.BinfmtctlError);
    expect(error).toMatchObject({ code: 'BAD_SOURCE', name: 'BinfmtctlError' });
    expect((error as Error).constructor.name).toBe('BinfmtctlError');
  });
});
