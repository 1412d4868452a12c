/** Who runs and enters: root, a user with subordinate ids, and one without; each with emulators and roots of his own. */
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
  /** Where the actor may write. */
  readonly home: string;
  /** Words that start `run` or `enter` with emulators of Debian's package. */
  readonly words: (command: 'run' | 'enter', ...rest: readonly string[]) => readonly string[];
  /** Words that start a program as this one. */
  readonly as: readonly string[];
  /** The id of a file of his roots that belongs to `id` inside. */
  readonly idOf: (id: number) => number;
  /** The actor's own copy of a root, the same one for all tests of a file. */
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

/** As `unshare --map-root-user --map-auto` has it. */
const idOfMapped =
  ({ id: own, subordinate }: PlainUser) =>
  (id: number): number =>
    id === 0 ? own : (subordinate ?? 0) + id - 1;

/** Runs a command with nothing on its standard input. */
export function finish(words: readonly string[], circumstances?: Circumstances): Promise<End> {
  const talk = talkTo(words, circumstances);
  talk.hangUp();
  return talk.ended;
}

/** Demands success, with nothing on standard error, and returns what was said. */
export async function outputOf(words: readonly string[], circumstances?: Circumstances): Promise<string> {
  const { status, signal, stdout, stderr } = await finish(words, circumstances);
  if (status !== 0 || stderr !== '')
    throw new Error(`${words.join(' ')}: ${status ?? signal}\n${stdout}\n${stderr}`);
  return stdout.trimEnd();
}

/** Puts a program into a folder. */
export function putProgram(path: string, bytes: Uint8Array | string): string {
  writeFileSync(path, bytes, { mode: 0o755 });
  return path;
}

/** busybox of another machine, static. */
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
