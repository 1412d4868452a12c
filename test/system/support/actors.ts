/** Users of `run` and `enter`: root, a user with subordinate IDs, and one without; each with separate emulators and roots. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { copyRoot, type DebianArch, debianRoot, shiftOwners } from './debian-roots.ts';
import { type PlainUser, plainUsers, USUAL_PATH } from './plain-user.ts';
import { type Circumstances, type End, talkTo } from './talk.ts';
import { temporaryFolder } from './tools.ts';

const COMMAND = resolve('dist/cli.cjs');

export interface Actor {
  readonly name: string;
  /** A directory that the actor may write to. */
  readonly home: string;
  /** The command line of `run` or `enter` with emulators of Debian's package. */
  readonly words: (command: 'run' | 'enter', ...rest: readonly string[]) => readonly string[];
  /** Command prefix to run as this actor. */
  readonly as: readonly string[];
  /** The outer ID of a file in a root that belongs to `id` inside. */
  readonly idOf: (id: number) => number;
  /** The actor's copy of a root, shared by all tests of a file. */
  readonly root: (arch: DebianArch) => Promise<string>;
}

export interface Actors {
  readonly root: Actor;
  readonly mapped: Actor;
  readonly single: Actor;
}

/** For the top of a test file. */
export function startActors(): Actors {
  const { mapped, single } = plainUsers();
  const home = temporaryFolder('root');
  const clean = ['env', '-i', `HOME=${home}`, `PATH=${USUAL_PATH}`, 'LANG=C.UTF-8', 'TERM=vt100'];
  return {
    root: actor({ name: 'root', home, as: clean }, (id) => id),
    mapped: actor(mapped, idOfMapped(mapped)),
    single: actor(single, () => single.id),
  };
}

/** Like `unshare --map-root-user --map-auto`. */
const idOfMapped =
  ({ id: own, subordinate }: PlainUser) =>
  (id: number): number =>
    id === 0 ? own : (subordinate ?? 0) + id - 1;

/** Runs a command with empty standard input. */
export function finish(words: readonly string[], circumstances?: Circumstances): Promise<End> {
  const talk = talkTo(words, circumstances);
  talk.hangUp();
  return talk.ended;
}

/** Requires success without standard error, and returns the output. */
export async function outputOf(words: readonly string[], circumstances?: Circumstances): Promise<string> {
  const { status, signal, stdout, stderr } = await finish(words, circumstances);
  if (status !== 0 || stderr !== '')
    throw new Error(`${words.join(' ')}: ${status ?? signal}\n${stdout}\n${stderr}`);
  return stdout.trimEnd();
}

/** Writes a program into a directory. */
export function putProgram(path: string, bytes: Uint8Array | string): string {
  writeFileSync(path, bytes, { mode: 0o755 });
  return path;
}

/** A static busybox of another architecture. */
export function busyboxFor(arch: string): Uint8Array {
  const [root = ''] = unpackPackages(`busybox-static:${arch}`);
  return readFileSync(join(root, 'bin/busybox'));
}

export function emulators(): string {
  const [qemu = ''] = unpackPackages('qemu-user-static');
  return `dir:${join(qemu, 'usr/bin')}`;
}

function actor(who: Pick<Actor, 'name' | 'home' | 'as'>, idOf: (id: number) => number): Actor {
  const { home, as } = who;
  return {
    ...who,
    idOf,
    words: (command, ...rest) => [
      ...as,
      process.execPath,
      COMMAND,
      command,
      '--store',
      join(home, 'store'),
      '--source',
      emulators(),
      ...rest,
    ],
    root: async (arch) => {
      const kept = await debianRoot(arch);
      const own = join(home, 'roots', arch);
      if (existsSync(own)) return own;
      mkdirSync(join(home, 'roots'), { recursive: true });
      copyRoot(kept, own);
      shiftOwners(own, idOf);
      return own;
    },
  };
}
