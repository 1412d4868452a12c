import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, start } from '../../src/system/process/process.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'process-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const file = (name: string, content: string, mode = 0o755): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

/** Whether a process is running and not a zombie. */
const isRunning = async (pid: number): Promise<boolean> =>
  /^State:\s+[^ZX]/m.test(new TextDecoder().decode((await run('cat', [`/proc/${pid}/status`])).stdout));

describe('run', () => {
  it('returns both outputs and the exit status', async () => {
    const result = await run('sh', ['-c', 'printf "\\377\\n"; echo why >&2; exit 7']);
    expect(result).toEqual({
      exitCode: 7,
      signal: null,
      stdout: Uint8Array.of(0xff, 0x0a),
      stderr: 'why\n',
      timedOut: false,
      tooMuchOutput: false,
      errno: null,
    });
  });

  it('returns the signal that killed the program', async () => {
    expect(await run('sh', ['-c', 'kill -9 $$'])).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });

  it('passes input, directory, environment and argv[0]', async () => {
    const script = 'cat; pwd; echo "$0 $A [$HOME]"';
    const options = { input: 'in\n', cwd: '/', env: { A: 'a' }, extendEnv: false, argv0: 'me' };
    const { stdout } = await run('/bin/sh', ['-c', script], options);
    expect(new TextDecoder().decode(stdout)).toBe('in\n/\nme a []\n');
  });

  it('passes an empty input by default', async () => {
    expect(await run('cat', [], { timeoutMs: 20_000 })).toMatchObject({ exitCode: 0, timedOut: false });
  });

  it('accepts a program that does not read its input', async () => {
    expect(await run('true', [], { input: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });

  it('reports why a program could not be started', async () => {
    symlinkSync('loop', join(directory, 'loop'));
    const busy = join(directory, 'busy');
    copyFileSync('/bin/true', busy);
    const writer = openSync(busy, 'r+');
    const errnoOf = async (path: string, args: string[] = []) => {
      const result = await run(path, args);
      expect(result.exitCode).toBeNull();
      return result.errno;
    };
    try {
      expect(await errnoOf('/absent/program')).toBe('ENOENT');
      expect(await errnoOf('no-such-program')).toBe('ENOENT');
      expect(await errnoOf(directory)).toBe('EACCES');
      expect(await errnoOf(file('plain', '', 0o644))).toBe('EACCES');
      expect(await errnoOf(`${file('file', '')}/below`)).toBe('ENOTDIR');
      expect(await errnoOf(join(directory, 'loop'))).toBe('ELOOP');
      expect(await errnoOf(busy)).toBe('ETXTBSY');
      expect(await errnoOf('true', ['x'.repeat(200_000)])).toBe('E2BIG');
    } finally {
      closeSync(writer);
    }
  });

  it('cannot distinguish a file without a format from a shell script, with glibc', async () => {
    const isGlibc = 'glibcVersionRuntime' in (process.report.getReport() as { header: object }).header;
    const result = await run(file('formatless', 'echo "taken for a script"\n'), []);
    const asScript = { exitCode: 0, errno: null };
    expect(result).toMatchObject(isGlibc ? asScript : { exitCode: null, errno: 'ENOEXEC' });
  });

  it('kills a program at its time limit', async () => {
    const result = await run('sleep', ['1000'], { timeoutMs: 200 });
    expect(result).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGTERM' });
  });

  it('kills a program and its descendants', async () => {
    const started = join(directory, 'pid');
    const aborting = new AbortController();
    const script = `sleep 1000 & echo $! > ${started}.new; mv ${started}.new ${started}; wait`;
    const result = run('sh', ['-c', script], { signal: aborting.signal });
    await expect.poll(() => existsSync(started)).toBe(true);
    aborting.abort();
    expect(await result).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
    expect(await isRunning(Number(readFileSync(started, 'utf8')))).toBe(false);
  });

  it('kills a program that ignores SIGTERM', async () => {
    const trapped = join(directory, 'trapped');
    const aborting = new AbortController();
    const script = `trap "" TERM; : > ${trapped}; while :; do sleep 1; done`;
    const result = run('sh', ['-c', script], { signal: aborting.signal });
    await expect.poll(() => existsSync(trapped)).toBe(true);
    aborting.abort();
    expect(await result).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  });

  it('does not wait for a process that left the group and holds the output open', async () => {
    const left = join(directory, 'left');
    const aborting = new AbortController();
    const leaving = `echo $$ > ${left}.new; mv ${left}.new ${left}; exec sleep 1000`;
    const result = run('sh', ['-c', `setsid sh -c '${leaving}' & wait`], { signal: aborting.signal });
    await expect.poll(() => existsSync(left)).toBe(true);
    aborting.abort();
    expect(await result).toMatchObject({ exitCode: null });
    const pid = Number(readFileSync(left, 'utf8'));
    expect(await isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  it('kills a program when it is aborted, also before its start', async () => {
    const aborting = new AbortController();
    const running = run('sleep', ['60'], { signal: aborting.signal });
    aborting.abort();
    const late = await running;
    const early = await run('sleep', ['60'], { signal: AbortSignal.abort() });
    for (const result of [late, early]) {
      expect(result).toMatchObject({ exitCode: null, signal: 'SIGTERM', timedOut: false });
    }
  });

  it('kills a program that writes endlessly', async () => {
    const result = await run('yes', [], { maxBytes: 100_000, timeoutMs: 60_000 });
    expect(result).toMatchObject({ tooMuchOutput: true, timedOut: false });
    expect(result.stdout.length).toBe(100_000);
  });

  it('keeps every byte of a large output', async () => {
    const { stdout } = await run('head', ['-c', '20000000', '/dev/zero']);
    expect(stdout.length).toBe(20_000_000);
  });
});

describe('start', () => {
  it('streams in both directions', async () => {
    const cat = await start('cat', []);
    const received = new Promise<string>((resolve) =>
      cat.stdout.once('data', (chunk) => resolve(String(chunk))),
    );
    cat.stdin.write('ping');
    expect(await received).toBe('ping');
    cat.stdin.end();
    expect(await cat.ended).toMatchObject({ exitCode: 0 });
  });

  it('kills a program on request', async () => {
    const sleep = await start('sleep', ['60']);
    sleep.kill();
    expect(await sleep.ended).toMatchObject({ signal: 'SIGTERM' });
  });

  it('lets a program end if its output is not read', async () => {
    const loud = await start('sh', [
      '-c',
      'head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; exit 3',
    ]);
    expect(await loud.ended).toMatchObject({ exitCode: 3, errno: null });
  });

  it('returns an immediate refusal by the kernel as a result', async () => {
    const refused = await start('cat', ['x'.repeat(200_000)]);
    refused.stdin.write('lost');
    const parts: unknown[] = [];
    for await (const part of refused.stdout) parts.push(part);
    expect(parts).toEqual([]);
    expect(await refused.ended).toMatchObject({ exitCode: null, errno: 'E2BIG' });
  });

  it('passes only the given environment', async () => {
    const env = await start('/usr/bin/env', [], { env: { ONLY: 'this' }, extendEnv: false });
    let text = '';
    for await (const part of env.stdout) text += String(part);
    expect(text).toBe('ONLY=this\n');
  });

  it('returns a missing program as a result', async () => {
    const nothing = await start('/absent/program', []);
    nothing.stdin.write('lost');
    expect(nothing.pid).toBeNull();
    expect(await nothing.ended).toMatchObject({ errno: 'ENOENT' });
  });
});
