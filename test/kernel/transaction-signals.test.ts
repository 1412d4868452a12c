/** The built command, killed, interrupted and started twice, at moments of chance. */

import { spawn } from 'node:child_process';
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
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { binfmtctl, documentOf } from './support/command.ts';
import {
  emulatorFolder,
  entries,
  registerForeign,
  removeAllEntries,
  snapshot,
  temporaryFolder,
} from './support/machine.ts';
import { interruptedAt } from './support/strace.ts';

const ARCHES = ['arm', 'riscv64', 's390x'];
const KILLS = 20;
const folder = temporaryFolder();
const store = join(folder, 'store');
/** Two folders of the same emulators, but for a byte behind the end: an install from the other one replaces all. */
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

/** Starts the command and sends it a signal after a while; its exit status, or the signal that ended it. */
async function signalled(
  words: readonly string[],
  signal: NodeJS.Signals,
  afterMs: number,
): Promise<number | string> {
  const args = [resolve('dist/cli.cjs'), ...words, '--store', store, '--quiet'];
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const ended = new Promise<number | string>((done) =>
    child.once('exit', (status, by) => done(by ?? status ?? -1)),
  );
  await Promise.race([wait(afterMs), ended]);
  child.kill(signal);
  return ended;
}

const install = (source: number): readonly string[] => ['install', ...ARCHES, ...sourceOf(source)];

async function durationOf(words: readonly string[]): Promise<number> {
  const start = performance.now();
  await documentOf([...words, '--store', store]);
  return performance.now() - start;
}

/** Programs that run from the folder of a probe, or of an emulator of the store. */
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

/** What the store holds of emulators, less those of neither source. */
const strangers = (): readonly string[] =>
  readdirSync(join(store, 'sha256')).filter((name) => name.startsWith('tmp-'));

describe('an install that is killed', () => {
  it(`is taken back or whole after the next run, at ${KILLS} moments of chance`, async () => {
    registerForeign(':foreign:M::FOREIGN::/bin/true:');
    await documentOf([...install(0), '--store', store]);
    const whole = [snapshot(store)];
    const duration = await durationOf(install(1));
    whole.push(snapshot(store));
    let at = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const afterMs = 100 + Math.random() * (duration - 50);
      await signalled(install(1 - at), 'SIGKILL', afterMs);
      // Any change repairs what is left; this one finds nothing to do of its own.
      const { status, stderr } = await binfmtctl(['uninstall', 'no-such-*', '--store', store]);
      expect(
        { status, left: existsSync(join(store, 'journal.json')) },
        `killed after ${afterMs} ms: ${stderr}`,
      ).toEqual({ status: 0, left: false });
      const now = entriesAndNotes();
      const found = whole.findIndex((each) => JSON.stringify(now) === JSON.stringify(notesOf(each)));
      expect(found, `killed after ${afterMs} ms: ${JSON.stringify(now, null, 1)}`).not.toBe(-1);
      at = found;
    }
    expect(entries()).toHaveProperty('foreign');
    // The next install works, and takes the leftovers of killed writers away.
    await documentOf([...install(at), '--store', store]);
    expect(strangers()).toEqual([]);
    for (let tries = 0; leftRunning().length > 0 && tries < 50; tries++) await wait(50);
    expect(leftRunning()).toEqual([]);
    expect(await binfmtctl(['verify', '--store', store])).toMatchObject({ status: 0 });
  });
});

/** Entries, with their order left out, and notes; an emulator may be in the store for the next try. */
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
  ])('by %s exits with %i and leaves everything as it was', async (signal, status) => {
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
  it('waits for the other, and no longer than until Ctrl-C', async () => {
    mkdirSync(store, { recursive: true });
    const other = spawn('flock', [join(store, 'lock'), 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
    other.stdin.write('\n');
    await new Promise((held) => other.stdout.once('data', held));
    const began = performance.now();
    expect(await signalled(['install', 'arm', ...sourceOf(0)], 'SIGINT', 2500)).toBe(130);
    // It would wait for minutes.
    expect(performance.now() - began).toBeLessThan(30_000);
    other.stdin.end();
    expect(entries()).toEqual({});
  });

  it('install the same: one entry each, and both succeed', async () => {
    const both = await Promise.all([0, 0].map((source) => binfmtctl([...install(source), '--store', store])));
    expect(both.map(({ status, stderr }) => [status, stderr.includes('hint')])).toEqual([
      [0, false],
      [0, false],
    ]);
    expect(Object.keys(entries()).sort()).toEqual(ARCHES.map((arch) => `qemu-${arch}`));
  });

  it('install different architectures: both are there', async () => {
    const both = await Promise.all(
      ['arm', 's390x'].map((arch) => binfmtctl(['install', arch, ...sourceOf(0), '--store', store])),
    );
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(Object.keys(entries()).sort()).toEqual(['qemu-arm', 'qemu-s390x']);
  });

  it('install and take back: it is there whole, or not at all', async () => {
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
