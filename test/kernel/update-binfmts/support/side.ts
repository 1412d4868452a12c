/**
 * A program: one side of a comparison. It lives in namespaces of its own, hence has a binfmt_misc instance of its own, reads steps
 * from its standard input and answers each with a line. Its settings are its argument.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants as os } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { entryNames, readEntryFile } from '../../../../src/binfmt/entry-file.ts';
import { encodeText } from '../../../../src/rule/text.ts';
import { furniture } from './furniture.ts';
import type { Answer, Planted, Ran, Settings, State, Step } from './step.ts';

const BINFMT = '/proc/sys/fs/binfmt_misc';
const settings: Settings = JSON.parse(process.argv[2] ?? '');
const { folder } = settings;

// Steps of chance name paths of chance: nothing but the folder can be written, here.
execFileSync('mount', ['-o', 'remount,bind,ro', '/']);
execFileSync('mount', ['-t', 'tmpfs', 'side', folder]);
// For what a program needs a place for only while it runs.
const TEMPORARY = '/dev/shm';
execFileSync('mount', ['-t', 'tmpfs', 'temporary', TEMPORARY]);
process.umask(0o022);
/** What this mount namespace was made with, and new mounts hide. */
const hidden = binfmtMounts().length - 1;

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}

function answer(step: Step): Answer {
  if (step.kind === 'run') return { ran: run(step.program, step.words), errno: null, state: look() };
  return { ran: null, errno: failure(() => act(step)), state: look() };
}

function failure(action: () => void): string | null {
  try {
    action();
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function act(step: Exclude<Step, { kind: 'run' }>): void {
  if (step.kind === 'reset') reset();
  else if (step.kind === 'umount') execFileSync('umount', [BINFMT], { stdio: 'ignore' });
  else if (step.kind === 'write') writeOnce(step.name, step.text);
  else plant(step.path, step.what, step.text);
}

function writeOnce(name: string, text: string): void {
  const file = openSync(`${BINFMT}/${name}`, constants.O_WRONLY);
  try {
    writeSync(file, Buffer.from(text, 'latin1'));
  } finally {
    closeSync(file);
  }
}

function plant(relative: string, what: Planted, text: string): void {
  const path = join(folder, relative);
  rmSync(path, { recursive: true, force: true });
  const bytes = Buffer.from(text, 'latin1');
  if (what === 'folder') mkdirSync(path);
  else if (what === 'link') symlinkSync(text, path);
  else if (what !== 'nothing') writeFileSync(path, bytes);
  if (what === 'program') chmodSync(path, 0o755);
}

function run(name: keyof Settings['programs'], words: readonly string[]): Ran {
  const { file, args, env } = settings.programs[name];
  const { status, signal, stdout, stderr, error } = spawnSync(file, [...args, ...words], {
    // getopt(3) begins its messages with it.
    argv0: args.length === 0 ? name : file,
    cwd: folder,
    encoding: 'latin1',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', TMPDIR: TEMPORARY, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  // A rule that takes the program itself.
  if (error !== undefined) return { status: -1, stdout, stderr: error.message };
  return { status: signal === null ? (status ?? -1) : 128 + os.signals[signal], stdout, stderr };
}

/** Entries go first: as long as one takes native programs nothing can be started. */
function reset(): void {
  removeEntries();
  for (let mounts = binfmtMounts(); mounts.length > hidden; mounts = binfmtMounts())
    execFileSync('umount', [mounts.at(-1)?.split(' ')[0] ?? BINFMT]);
  execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT]);
  writeOnce('status', '1');
  removeEntries();
  for (const name of readdirSync(folder, { encoding: 'buffer' }))
    rmSync(child(folder, name), { recursive: true });
  for (const [path, what, text] of furniture(folder)) plant(path, what, text);
}

function removeEntries(): void {
  for (const name of entryNames(BINFMT)) writeOnce(name, '-1');
}

function look(): State {
  const mounts = binfmtMounts().slice(hidden);
  const isMounted = mounts.some((each) => each.startsWith(`${BINFMT} `));
  const bytes = (text: string): string => Buffer.from(encodeText(text)).toString('latin1');
  return {
    files: Object.fromEntries(filesIn(Buffer.from(folder)).map((path) => [shown(path), describe(path)])),
    entries: isMounted
      ? entryNames(BINFMT).map((name) => [
          bytes(name),
          Buffer.from(readEntryFile(BINFMT, name)).toString('latin1'),
        ])
      : null,
    status: isMounted ? readFileSync(`${BINFMT}/status`, 'latin1') : null,
    mounts,
  };
}

function shown(path: Buffer): string {
  return path.toString('latin1').slice(folder.length + 1);
}

function filesIn(directory: Buffer): readonly Buffer[] {
  if (binfmtMounts().some((each) => each.startsWith(`${directory.toString()} `))) return [];
  const found = readdirSync(directory, { encoding: 'buffer' }).map((name) => child(directory, name));
  return found.flatMap((path) => (lstatSync(path).isDirectory() ? [path, ...filesIn(path)] : [path]));
}

function describe(path: Buffer): string {
  const { mode } = lstatSync(path);
  const kind = mode & constants.S_IFMT;
  if (kind === constants.S_IFDIR) return 'folder';
  if (kind === constants.S_IFLNK) return `link to ${readlinkSync(path)}`;
  return `${(mode & 0o7777).toString(8)}\n${readFileSync(path, 'latin1')}`;
}

function child(directory: Buffer | string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(directory), Buffer.from('/'), name]);
}

/** Where binfmt_misc is mounted, oldest first: the path and the options of each. */
function binfmtMounts(): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .filter((line) => line.includes(' - binfmt_misc '))
    .map((line) => line.split(' ').slice(4, 6).join(' '));
}
