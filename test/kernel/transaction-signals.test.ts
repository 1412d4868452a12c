/** The built command, killed and interrupted at its system calls, and started twice. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { amount } from '../stress.ts';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
  removeAllEntries,
  snapshot,
  temporaryFolder,
} from './support/machine.ts';
import { killedAt, momentsIn, pick, randomFrom, recorded } from './support/moments.ts';
import { interruptedAt } from './support/strace.ts';

const ARCHES = ['arm', 'riscv64', 's390x'];
const KILLS = amount(8, 100);
const folder = temporaryFolder();
const store = join(folder, 'store');
/** Two directories of the same emulators, which differ in a trailing byte: an install from the other one replaces all. */
const sources = ['a', 'b'].map((name) => join(folder, name));
const sourceOf = (index: number): readonly string[] => ['--source', `dir:${sources[index]}`];

beforeAll(() => {
  for (const [index, source] of sources.entries()) {
    mkdirSync(source);
    for (const arch of ARCHES) {
      const file = `qemu-${arch}-static`;
      copyFileSync(join(emulatorFolder(), file), join(source, file));
      if (index === 1) appendFileSync(join(source, file), '\0');
    }
  }
});

afterEach(() => {
  removeAllEntries();
  rmSync(store, { recursive: true, force: true });
});

const install = (source: number): readonly string[] => ['install', ...ARCHES, ...sourceOf(source)];
const command = (words: readonly string[]): readonly string[] => [
  process.execPath,
  resolve('dist/cli.cjs'),
  ...words,
  '--store',
  store,
  '--quiet',
];

function runOf([file = '', ...args]: readonly string[]) {
  return spawnSync(file, args, { encoding: 'utf8' });
}

/** Programs that run from the directory of a probe or of an emulator in the store. */
const leftRunning = (): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readlinkSync(`/proc/${pid}/exe`)];
      } catch {
        return [];
      }
    })
    .filter((exe) => exe.startsWith(folder) || exe.includes('/.binfmtctl-'));

/** The emulators in the store that come from one of the sources. */
const strangers = (): readonly string[] =>
  readdirSync(join(store, 'sha256')).filter((name) => name.startsWith('tmp-'));

describe('an install that is killed', () => {
  it(`is rolled back or complete after the next run, at ${KILLS} of its system calls`, async () => {
    registerForeign(':foreign:M::FOREIGN::/bin/true:');
    await documentOf([...install(0), '--store', store]);
    const whole = [snapshot(store)];
    const log = join(folder, 'install.log');
    expect(runOf(recorded(command(install(1)), log))).toMatchObject({ status: 0 });
    const moments = momentsIn(log);
    const within = moments.filter(({ inTransaction }) => inTransaction);
    expect(within.length).toBeGreaterThan(10);
    whole.push(snapshot(store));
    let at = 1;
    const random = randomFrom(13);
    for (let kill = 0; kill < KILLS; kill++) {
      const moment = pick(kill % 2 === 0 ? moments : within, random);
      const killed = runOf(killedAt(moment, command(install(1 - at))));
      const what = `killed at ${moment.call} ${moment.when}`;
      expect([0, 'SIGKILL'], `${what}: ${killed.stderr}`).toContain(killed.signal ?? killed.status);
      // Any command repairs leftovers; this one has nothing else to do.
      const { status, stderr } = await binfmtctl(['uninstall', 'no-such-*', '--store', store]);
      expect({ status, left: existsSync(join(store, 'journal.json')) }, `${what}: ${stderr}`).toEqual({
        status: 0,
        left: false,
      });
      const now = entriesAndNotes();
      const found = whole.findIndex((each) => JSON.stringify(now) === JSON.stringify(notesOf(each)));
      expect(found, `${what}: ${JSON.stringify(now, null, 1)}`).not.toBe(-1);
      at = found;
    }
    expect(entries()).toHaveProperty('foreign');
    // The next install works, and removes leftovers of killed writers.
    await documentOf([...install(at), '--store', store]);
    expect(strangers()).toEqual([]);
    await expect.poll(leftRunning).toEqual([]);
    expect(await binfmtctl(['verify', '--store', store])).toMatchObject({ status: 0 });
  });
});

/** Entries regardless of order, and registrations; an emulator may stay in the store for the next run. */
function notesOf({ entries: all, files }: ReturnType<typeof snapshot>) {
  const notes = Object.entries(files).filter(([path]) => path.includes('/registrations/'));
  return {
    entries: Object.fromEntries(Object.entries(all).toSorted()),
    notes: Object.fromEntries(notes.map(([path, text]) => [path, withoutTime(text)])),
  };
}

const entriesAndNotes = () => notesOf(snapshot(store));
const withoutTime = (text: string): string => text.replace(/"at": "[^"]*"/g, '');

describe('an install that is interrupted', () => {
  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('by %s exits with %i and changes nothing', async (signal, status) => {
    await documentOf([...install(0), '--store', store]);
    const before = notesOf(snapshot(store));
    const moments = [{ call: 'rename' }, { call: 'register' }, { call: 'register', when: ARCHES.length + 1 }];
    for (const moment of moments) {
      const words = [...install(1), '--store', store, '--quiet'];
      const ended = interruptedAt({ ...moment, signal }, words);
      expect([ended.status, ended.stderr.toString()], JSON.stringify(moment)).toEqual([
        status,
        expect.stringContaining('interrupted'),
      ]);
      expect(notesOf(snapshot(store))).toEqual(before);
      expect(existsSync(join(store, 'journal.json'))).toBe(false);
    }
  });
});

describe('two at once', () => {
  it('waits for the other one, until Ctrl-C at most', async () => {
    mkdirSync(store, { recursive: true });
    const other = spawn('flock', [join(store, 'lock'), 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
    other.stdin.write('\n');
    await new Promise((held) => other.stdout.once('data', held));
    const [file = '', ...args] = command(['install', 'arm', ...sourceOf(0)]).slice(0, -1);
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'exit');
    let said = '';
    for await (const text of child.stderr.setEncoding('utf8')) {
      said += text;
      // Without the signal, it would wait for the other one.
      if (!child.killed && said.includes('waiting for')) child.kill('SIGINT');
    }
    expect([await ended, said]).toEqual([[130, null], expect.stringContaining('waiting for')]);
    other.stdin.end();
    expect(entries()).toEqual({});
  });

  it('install the same architectures, and both succeed', async () => {
    const both = await Promise.all([0, 0].map((source) => binfmtctl([...install(source), '--store', store])));
    expect(both.map(({ status, stderr }) => [status, stderr.includes('hint')])).toEqual([
      [0, false],
      [0, false],
    ]);
    expect(Object.keys(entries()).sort()).toEqual(ARCHES.map((arch) => `qemu-${arch}`));
  });

  it('install different architectures, and both are registered', async () => {
    const both = await Promise.all(
      ['arm', 's390x'].map((arch) => binfmtctl(['install', arch, ...sourceOf(0), '--store', store])),
    );
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(Object.keys(entries()).sort()).toEqual(['qemu-arm', 'qemu-s390x']);
  });

  it('install and uninstall: the result is complete or empty', async () => {
    await documentOf([...install(0), '--store', store]);
    const [installed, taken] = await Promise.all([
      binfmtctl([...install(1), '--store', store]),
      binfmtctl(['uninstall', '--all', '--store', store]),
    ]);
    expect([installed.status, taken.status]).toEqual([0, 0]);
    const names = Object.keys(entries()).sort();
    expect([[], ARCHES.map((arch) => `qemu-${arch}`)]).toContainEqual(names);
    const notes = existsSync(join(store, 'registrations')) ? readdirSync(join(store, 'registrations')) : [];
    expect(notes.map((name) => name.replace('.json', '')).sort()).toEqual(names);
    for (const name of names)
      expect(readFileSync(`/proc/sys/fs/binfmt_misc/${name}`, 'utf8')).toMatch(/^enabled/);
  });
});
