/**
 * Debian root file systems of other machines, with apt. They take a minute or two to make, and are kept under .cache/roots
 * for all test files; nobody writes into those, a test that changes one has a copy.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { ownMirror, unpackPackages } from '../../../scripts/packages.mjs';
import { archTestFolder, binfmtctl, removeAllEntries, temporaryFolder } from './tools.ts';

export const DEBIAN_ARCHES = ['arm64', 'armhf', 'riscv64'] as const;
export type DebianArch = (typeof DEBIAN_ARCHES)[number];

const KEPT = resolve('.cache/roots');
/** Debian has riscv64 since that release. */
const BEFORE_RISCV64 = ['buster', 'bullseye', 'bookworm'];

/** The kept roots by arch; makes those that are not there, side by side. Leaves the instance without entries. */
export async function debianRoots(): Promise<Readonly<Record<DebianArch, string>>> {
  const missing = DEBIAN_ARCHES.filter((arch) => !existsSync(keptRoot(arch)));
  if (missing.length > 0) await makeRoots(missing);
  const [arm64, armhf, riscv64] = DEBIAN_ARCHES.map(keptRoot) as [string, string, string];
  return { arm64, armhf, riscv64 };
}

/** Copies a root, owners and times included. */
export function copyRoot(root: string, to: string): string {
  execFileSync('cp', ['-a', '--reflink=auto', root, to]);
  return to;
}

/** Gives every file of a tree to other ids, as a root that was made within a user namespace has them. */
export function shiftOwners(path: string, idOf: (id: number) => number, done = new Set<number>()): void {
  const { uid, gid, mode, ino } = lstatSync(path);
  // Another name of a file that has been given away.
  if (done.has(ino)) return;
  done.add(ino);
  lchownSync(path, idOf(uid), idOf(gid));
  const type = mode & constants.S_IFMT;
  // chown(2) takes the set-id bits away.
  if (mode & 0o6000 && type !== constants.S_IFLNK) chmodSync(path, mode & 0o7777);
  if (type !== constants.S_IFDIR) return;
  for (const name of readdirSync(path)) shiftOwners(join(path, name), idOf, done);
}

const keptRoot = (arch: DebianArch): string => join(KEPT, `${arch}-${suiteOf(arch)}`);

const suiteOf = (arch: DebianArch): string =>
  arch === 'riscv64' && BEFORE_RISCV64.includes(ownSuite()) ? 'trixie' : ownSuite();

const ownSuite = (): string =>
  /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';

async function makeRoots(arches: readonly DebianArch[]): Promise<void> {
  const [qemu = ''] = unpackPackages('qemu-user-static');
  const store = join(temporaryFolder('roots'), 'store');
  const source = ['--source', `dir:${join(qemu, 'usr/bin')}`];
  const { status, stderr } = binfmtctl(store, 'install', ...arches, ...source);
  if (status !== 0) throw new Error(stderr);
  const env = { ...process.env, PATH: `${archTestFolder()}:${process.env['PATH']}` };
  mkdirSync(KEPT, { recursive: true });
  await Promise.all(arches.map((arch) => makeRoot(arch, env)));
  removeAllEntries();
}

async function makeRoot(arch: DebianArch, env: NodeJS.ProcessEnv): Promise<void> {
  const [mmdebstrap = ''] = unpackPackages('mmdebstrap');
  const partial = `${keptRoot(arch)}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const script = join(mmdebstrap, 'usr/bin/mmdebstrap');
  const options = ['--mode=root', '--variant=apt', `--arch=${arch}`, '--format=directory'];
  const fast = '--dpkgopt=force-unsafe-io';
  const child = spawn('perl', [script, ...options, fast, suiteOf(arch), partial, ownMirror()], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const status = await new Promise((done) => child.once('close', done));
  if (status !== 0) throw new Error(said);
  renameSync(partial, keptRoot(arch));
}
