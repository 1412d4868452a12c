import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setImmediate as setImmediatePromise } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withLock } from '../../src/system/lock.ts';

let directory: string;
let program: string;

/** A separate process that prints "held", holds the lock until its input ends, and prints "done". */
const HOLDER = `
  import { withLock } from './src/system/lock.ts';
  const ended = new Promise((resolve) => process.stdin.on('data', () => {}).on('end', resolve));
  await withLock(process.argv[2], async () => { console.log('held'); await ended; }, { timeoutMs: 60_000 });
  console.log('done');
`;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lock-'));
  program = join(directory, 'holder.mjs');
  buildSync({
    stdin: { contents: HOLDER, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    outfile: program,
  });
});
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
const newLock = () => join(directory, `lock-${count++}`);

async function startHolder(lock: string, ...prefix: string[]) {
  const [file = process.execPath, ...args] = [...prefix, process.execPath, program, lock];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = child.stdout[Symbol.asyncIterator]();
  expect(String((await said.next()).value)).toContain('held');
  return child;
}

describe('withLock', () => {
  it('lets one process in at a time', async () => {
    const lock = newLock();
    const holder = await startHolder(lock);
    const events: string[] = [];
    const waiting = withLock(lock, async () => events.push('in'), {
      timeoutMs: 60_000,
      onWait: () => events.push('waiting'),
    });
    await vi.waitFor(() => expect(events).toEqual(['waiting']), 20_000);
    holder.stdin.end();
    await waiting;
    expect(events).toEqual(['waiting', 'in']);
  });

  it('lets one caller in at a time within a process, too', async () => {
    const lock = newLock();
    let inside = 0;
    let waiting = 0;
    let go = () => {};
    const othersWait = new Promise<void>((resolve) => {
      go = resolve;
    });
    const onWait = () => {
      if (++waiting === 2) go();
    };
    const action = async () => {
      expect(++inside).toBe(1);
      await othersWait;
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(lock, action, { timeoutMs: 60_000, onWait })));
    expect(inside).toBe(0);
  });

  it('does not report a free lock as taken, however slowly flock starts', async () => {
    const bin = mkdtempSync(join(directory, 'bin-'));
    const [started, go] = ['started', 'go'].map((name) => join(bin, name));
    execFileSync('mkfifo', [go ?? '']);
    const script = `#!/bin/sh\ntouch ${started}\nread -r _ <${go}\nPATH=/usr/bin:/bin exec flock "$@"\n`;
    writeFileSync(join(bin, 'flock'), script, { mode: 0o755 });
    vi.stubEnv('PATH', [bin, process.env['PATH']].join(delimiter));
    const onWait = vi.fn();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const locked = withLock(newLock(), async () => 'in', { timeoutMs: 60_000, onWait });
      while (!existsSync(started ?? '')) await setImmediatePromise();
      vi.advanceTimersByTime(30_000);
      writeFileSync(go ?? '', 'go\n');
      expect(await locked).toBe('in');
    } finally {
      vi.useRealTimers();
      vi.unstubAllEnvs();
    }
    expect(onWait).not.toHaveBeenCalled();
  });

  it('gives up at the time limit and names the holder', async () => {
    const lock = newLock();
    const holder = await startHolder(lock);
    const late = withLock(lock, async () => 'in', { timeoutMs: 500 });
    await expect(late).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`process ${holder.pid} on `),
    });
    holder.stdin.end();
  });

  it('is free again as soon as its holder is killed', async () => {
    const lock = newLock();
    const holder = await startHolder(lock);
    holder.kill('SIGKILL');
    expect(await withLock(lock, async () => 'in', { timeoutMs: 20_000 })).toBe('in');
  });

  it('is not inherited by programs that the holder starts', async () => {
    const lock = newLock();
    const sleep = await withLock(lock, async () => spawn('sleep', ['60'], { stdio: 'ignore' }), {
      timeoutMs: 20_000,
    });
    expect(await withLock(lock, async () => 'in', { timeoutMs: 20_000 })).toBe('in');
    sleep.kill();
  });

  it('works between PID namespaces', async () => {
    const lock = newLock();
    const isRoot = process.geteuid?.() === 0;
    const user = isRoot ? [] : ['--user', '--map-root-user'];
    const holder = await startHolder(lock, 'unshare', ...user, '--pid', '--fork', '--kill-child');
    await expect(withLock(lock, async () => 'in', { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'LOCKED',
    });
    holder.stdin.end();
    expect(await withLock(lock, async () => 'in', { timeoutMs: 20_000 })).toBe('in');
  });

  it('is released when the action fails, and rethrows its error', async () => {
    const lock = newLock();
    const failing = withLock(lock, () => Promise.reject(new Error('mine')), { timeoutMs: 20_000 });
    await expect(failing).rejects.toThrow('mine');
    expect(await withLock(lock, async () => 'in', { timeoutMs: 20_000 })).toBe('in');
  });

  it('can be interrupted while it waits', async () => {
    const lock = newLock();
    const holder = await startHolder(lock);
    const aborting = new AbortController();
    const onWait = () => aborting.abort();
    const waiting = withLock(lock, async () => 'in', { timeoutMs: 60_000, signal: aborting.signal, onWait });
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
    holder.stdin.end();
  });

  it('cannot be taken by a user who can only read its directory', async () => {
    const lock = newLock();
    await withLock(lock, async () => {}, { timeoutMs: 20_000 });
    expect(statSync(lock).mode & 0o077).toBe(0);
    expect(readFileSync(lock, 'utf8')).toContain(`${process.pid} `);
  });

  it('reports where it cannot be created', async () => {
    const options = { timeoutMs: 20_000 };
    await expect(withLock(join(directory, 'absent/lock'), async () => {}, options)).rejects.toMatchObject({
      code: 'FILE_FAILED',
    });
  });

  it('finds its tools even if PATH lacks them', async () => {
    vi.stubEnv('PATH', directory);
    try {
      expect(await withLock(newLock(), async () => 'done', { timeoutMs: 20_000 })).toBe('done');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('reports the tool that cannot be started, and does nothing without it', async () => {
    const action = vi.fn(async () => {});
    const bin = mkdtempSync(join(directory, 'bin-'));
    writeFileSync(join(bin, 'flock'), '#!/none/such\n', { mode: 0o755 });
    vi.stubEnv('PATH', bin);
    try {
      await expect(withLock(newLock(), action, { timeoutMs: 20_000 })).rejects.toMatchObject({
        code: 'NO_TOOL',
        hint: expect.stringContaining('util-linux'),
      });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(action).not.toHaveBeenCalled();
  });

  it.each([
    [65, 'FILE_FAILED'],
    [127, 'NO_TOOL'],
  ])('does nothing if flock ends with status %i', async (status, code) => {
    const action = vi.fn(async () => {});
    const bin = mkdtempSync(join(directory, 'bin-'));
    writeFileSync(join(bin, 'flock'), `#!/bin/sh\nexit ${status}\n`);
    chmodSync(join(bin, 'flock'), 0o755);
    const { PATH } = process.env;
    vi.stubEnv('PATH', [bin, PATH].join(delimiter));
    try {
      await expect(withLock(newLock(), action, { timeoutMs: 20_000 })).rejects.toMatchObject({
        code,
        message: expect.stringContaining(`${status}`),
      });
    } finally {
      vi.unstubAllEnvs();
    }
    expect(action).not.toHaveBeenCalled();
  });
});
