/** Commands that receive a signal while they wait for an emulator, a server or a probe. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../integration/fixtures/registry.ts';
import { exitProgram, waitingProgram } from './launcher.ts';
import { entries, registerOthers, removeAllEntries, temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [store, source, root, lock, bundle] = ['store', 'source', 'root', 'lock', 'bundle.tar'].map(at) as [
  string,
  string,
  string,
  string,
  string,
];
/** Exists once the emulator runs, which then never answers. */
const running = at('running');

beforeAll(() => {
  for (const path of [source, join(root, 'bin')]) mkdirSync(path, { recursive: true });
  const write = (path: string, bytes: Uint8Array): void => writeFileSync(path, bytes, { mode: 0o755 });
  write(join(root, 'bin/program'), exitProgram(0));
  // Several architectures, because an abort must not skip one after the other.
  for (const guest of ['riscv64', 's390x', 'sh4'])
    write(join(source, `qemu-${guest}-static`), waitingProgram(running));
});

afterEach(() => {
  removeAllEntries();
  for (const path of [store, running]) rmSync(path, { recursive: true, force: true });
});

interface Ended {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command, and sends it a signal after the event. */
async function interrupted(
  words: readonly string[],
  event: () => Promise<unknown>,
  signal: NodeJS.Signals,
): Promise<Ended> {
  const child = spawn(process.execPath, [resolve('dist/cli.cjs'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  const ended = new Promise<number | string | null>((done) =>
    child.once('close', (status, by) => done(by ?? status)),
  );
  await Promise.race([event(), ended]);
  child.kill(signal);
  return { status: await ended, ...output };
}

async function emulatorRuns(): Promise<void> {
  while (!existsSync(running)) await wait(5);
}

const from = ['--source', `dir:${source}`, '--store', store];
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ['install --all', ['install', '--all', ...from]],
  ['install of one', ['install', 'riscv64', ...from]],
  ['run --all', ['run', '--all', ...from, '--', join(root, 'bin/program')]],
  ['enter --all', ['enter', '--all', ...from, root, '--', '/bin/program']],
  ['bundle --all', ['bundle', '--all', '-o', bundle, ...from]],
  ['lock --update', ['lock', '--update', 'riscv64', '--lock-file', lock, ...from]],
];

describe('a signal while emulators are inspected', () => {
  it.each(COMMANDS)('ends %s with 128+N, without a registration or a written file', async (_, words) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      rmSync(running, { force: true });
      const { status, stdout, stderr } = await interrupted(words, emulatorRuns, signal);
      expect({ status, stdout }).toEqual({ status: 128 + constants.signals[signal], stdout: '' });
      expect(stderr).toMatch(/^binfmtctl: interrupted/m);
      expect(stderr).not.toContain('left out');
      expect(entries()).toEqual({});
      expect(readdirSync(folder)).not.toContain('bundle.tar');
      expect(readdirSync(folder)).not.toContain('lock');
    }
  });
});

describe('a signal', () => {
  it.each([
    ['a file', 'url', '/file#sha256='.padEnd(64 + 13, '0')],
    ['an image', 'oci', '/image:tag'],
  ])('while %s is fetched ends install --all with 128+N', async (_, kind, path) => {
    const server = createServer();
    const asked = new Promise((done) => server.once('request', done));
    const { host, close } = await listen(server);
    const words = ['install', '--all', '--source', `${kind}:http://${host}${path}`, '--store', store];
    const { status, stdout } = await interrupted(words, () => asked, 'SIGTERM');
    server.closeAllConnections();
    await close();
    expect({ status, stdout }).toEqual({ status: 143, stdout: '' });
    expect(entries()).toEqual({});
  });

  it('while a probe runs ends verify with 128+N', async () => {
    registerOthers('waits', 'riscv64', join(source, 'qemu-riscv64-static'), '');
    const words = ['verify', 'riscv64', '--store', store];
    const { status, stdout } = await interrupted(words, emulatorRuns, 'SIGINT');
    expect({ status, stdout }).toEqual({ status: 130, stdout: '' });
  });
});
