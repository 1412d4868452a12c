/** Four or ten commands at once on one instance, in several rounds. PARALLEL_ROUNDS sets the rounds; the stress run has 20. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, watch } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { amount } from '../stress.ts';
import { binfmtctl, inShell, type Ran } from './support/command.ts';
import { emulatorFolder, entries, removeAllEntries, temporaryFolder } from './support/machine.ts';
import { OVERLAPPING_ENTRIES, OVERLAPPING_SETS } from './support/overlapping-sets.ts';

const ROUNDS = amount(1, 20, 'PARALLEL_ROUNDS');
const timeout = 600_000 * ROUNDS;
const folder = temporaryFolder();
const source = ['--source', `dir:${emulatorFolder()}`];
const SETS = ROUNDS === 1 ? OVERLAPPING_SETS.slice(0, 4) : OVERLAPPING_SETS;

beforeEach(removeAllEntries);
afterAll(removeAllEntries);

/** Like a container without a volume: only the instance is shared. */
function newContainer(): { readonly varLib: string; readonly within: readonly string[] } {
  const varLib = join(mkdtempSync(join(folder, 'container-')), 'lib');
  mkdirSync(varLib);
  return { varLib, within: inShell(`mount --bind ${varLib} /var/lib`) };
}

const inContainer = (...words: readonly string[]): Promise<Ran> =>
  binfmtctl(words, { within: newContainer().within });

const failed = (runs: readonly Ran[]) =>
  runs.filter(({ status }) => status !== 0).map(({ stderr }) => stderr);
const names = (): readonly string[] => Object.keys(entries()).sort();

async function inRounds(round: () => Promise<void>): Promise<void> {
  for (let count = 0; count < ROUNDS; count++) {
    removeAllEntries();
    await round();
  }
}

it('lets containers install overlapping sets at once', { timeout }, () =>
  inRounds(async () => {
    const runs = SETS.map((set) => inContainer('install', ...set, ...source));
    expect(failed(await Promise.all(runs))).toEqual([]);
    expect(names()).toEqual(OVERLAPPING_ENTRIES);
  }),
);

it('lets installs with one store run at once', { timeout }, () =>
  inRounds(async () => {
    const store = ['--store', mkdtempSync(join(folder, 'store-'))];
    const runs = SETS.map((set) => binfmtctl(['install', ...set, ...source, ...store]));
    expect(failed(await Promise.all(runs))).toEqual([]);
    expect(names()).toEqual(OVERLAPPING_ENTRIES);
  }),
);

it('lets containers replace the same entries at once, and leaves no staged entry', { timeout }, () =>
  inRounds(async () => {
    const runs = SETS.map((set) => inContainer('install', ...set, ...source, '--replace'));
    expect(failed(await Promise.all(runs))).toEqual([]);
    expect(names()).toEqual(OVERLAPPING_ENTRIES);
  }),
);

it('keeps entries of others if a container fails and rolls back', { timeout }, () =>
  inRounds(async () => {
    const broken = mkdtempSync(join(folder, 'broken-'));
    copyFileSync(join(emulatorFolder(), 'qemu-aarch64-static'), join(broken, 'qemu-aarch64-static'));
    // It starts but cannot run programs of the architecture.
    copyFileSync(join(emulatorFolder(), 'qemu-arm-static'), join(broken, 'qemu-riscv64-static'));
    const good = SETS.map((set) => inContainer('install', ...set, ...source));
    const bad = [1, 2, 3].map(() => inContainer('install', 'arm64', 'riscv64', '--source', `dir:${broken}`));
    expect(failed(await Promise.all(good))).toEqual([]);
    expect((await Promise.all(bad)).map(({ status }) => status)).toEqual([1, 1, 1]);
    expect(names()).toEqual(OVERLAPPING_ENTRIES);
    expect(await inContainer('verify')).toMatchObject({ status: 0 });
  }),
);

it('survives containers that are killed while they register', { timeout }, () =>
  inRounds(async () => {
    const killed = [OVERLAPPING_SETS[1], OVERLAPPING_SETS[3]].map((set) =>
      killedOnceItChanges(['install', ...set, ...source]),
    );
    const runs = SETS.map((set) => inContainer('install', ...set, ...source));
    await Promise.all(killed);
    expect(failed(await Promise.all(runs))).toEqual([]);
    expect(names()).toEqual(OVERLAPPING_ENTRIES);
    expect(await inContainer('verify')).toMatchObject({ status: 0 });
  }),
);

it('lets containers uninstall while others install', { timeout }, () =>
  inRounds(async () => {
    const installs = SETS.map((set) => inContainer('install', ...set, ...source));
    const uninstalls = [1, 2, 3].map(() => inContainer('binfmt', '--uninstall', 'qemu-*'));
    expect(failed(await Promise.all([...installs, ...uninstalls]))).toEqual([]);
    expect(names().filter((name) => !OVERLAPPING_ENTRIES.includes(name))).toEqual([]);
    expect(await inContainer('verify')).toMatchObject({ status: 0 });
  }),
);

/** Kills it as soon as its journal shows that it changes entries. */
async function killedOnceItChanges(words: readonly string[]): Promise<void> {
  const { varLib, within } = newContainer();
  const store = join(varLib, 'binfmtctl');
  mkdirSync(store);
  const [file = '', ...args] = [...within, process.execPath, resolve('dist/cli.cjs'), ...words];
  const watcher = watch(store);
  const child = spawn(file, args, { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('exit', done));
  watcher.on('change', () => {
    if (existsSync(join(store, 'journal.json'))) child.kill('SIGKILL');
  });
  await ended;
  watcher.close();
}
