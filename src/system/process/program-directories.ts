/** The programs installed on this machine: paths and first bytes. */
import { type BigIntStats, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tryReadHead } from '../file/head.ts';
import { pathBytes } from '../file/path-bytes.ts';
import { USUAL_DIRECTORIES } from './tools.ts';

/** Directories with executables that run without PATH: dynamic loaders, and programs that the system starts. */
const OTHER_DIRECTORIES = [
  ...['/lib', '/lib64', '/lib32', '/libx32', '/usr/lib', '/usr/lib64', '/usr/libexec'],
  ...['x86_64', 'i386', 'aarch64', 'riscv64', 's390x', 'powerpc64le', 'loongarch64', 'mips64el'].map(
    (machine) => `/usr/lib/${machine}-linux-gnu${machine === 'mips64el' ? 'abi64' : ''}`,
  ),
  ...['/usr/lib/arm-linux-gnueabihf', '/usr/lib/arm-linux-gnueabi', '/var/lib/dpkg/info', '/etc/init.d'],
  ...['/etc/cron.hourly', '/etc/cron.daily', '/etc/cron.weekly', '/etc/cron.monthly'],
];

const HEAD_SIZE = 256;

/** An executable file. */
export interface InstalledProgram {
  readonly path: string;
  /** The first 256 bytes; empty if the file cannot be read. */
  readonly head: Uint8Array;
}

interface Listing {
  readonly changed: bigint;
  readonly names: readonly string[];
  readonly programs: Map<string, InstalledProgram | null>;
}

/** Cached by the directory's modification time: listing the directories takes 10 ms, reading the programs 100 ms. */
const listings = new Map<string, Listing>();

/** Returns the executables in PATH and in system directories: all, or those with an extension. */
export type FindPrograms = (extension: string | null) => readonly InstalledProgram[];

/** Returns a function that lists the directories once, on its first call. */
export function programFinder({ PATH = '' }: NodeJS.ProcessEnv = process.env): FindPrograms {
  let byExtension: ReadonlyMap<string, readonly ProgramPath[]> | undefined;
  let all: readonly ProgramPath[] = [];
  return (extension) => {
    if (byExtension === undefined) {
      const path = PATH.split(':').filter((directory) => directory.startsWith('/'));
      all = [...new Set([...path, ...USUAL_DIRECTORIES, ...OTHER_DIRECTORIES])].flatMap(pathsIn);
      byExtension = groupByExtension(all);
    }
    return (extension === null ? all : (byExtension.get(extension) ?? [])).flatMap(programAt);
  };
}

/** A file that may be a program. */
interface ProgramPath {
  readonly directory: string;
  readonly name: string;
  readonly programs: Listing['programs'];
}

function pathsIn(directory: string): readonly ProgramPath[] {
  const { names, programs } = list(directory) ?? { names: [], programs: new Map() };
  return names.map((name) => ({ directory, name, programs }));
}

function groupByExtension(paths: readonly ProgramPath[]): ReadonlyMap<string, readonly ProgramPath[]> {
  const groups = new Map<string, ProgramPath[]>();
  for (const path of paths) {
    const dot = path.name.lastIndexOf('.');
    if (dot === -1) continue;
    const extension = path.name.slice(dot + 1);
    const group = groups.get(extension);
    if (group === undefined) groups.set(extension, [path]);
    else group.push(path);
  }
  return groups;
}

function programAt({ directory, name, programs }: ProgramPath): readonly InstalledProgram[] {
  const known = programs.get(name);
  const program = known === undefined ? readProgram(join(directory, name)) : known;
  programs.set(name, program);
  return program === null ? [] : [program];
}

function list(directory: string): Listing | null {
  const status = tryStat(directory);
  if (status === null) return null;
  const known = listings.get(directory);
  if (known?.changed === status.mtimeNs) return known;
  const listing = { changed: status.mtimeNs, names: namesIn(directory), programs: new Map() };
  listings.set(directory, listing);
  return listing;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Not a directory, or not readable.
    return [];
  }
}

function readProgram(path: string): InstalledProgram | null {
  const status = tryStat(path);
  if (status === null || !status.isFile() || (status.mode & 0o111n) === 0n) return null;
  return { path, head: tryReadHead(path, HEAD_SIZE) ?? new Uint8Array() };
}

function tryStat(path: string): BigIntStats | null {
  try {
    return statSync(pathBytes(path), { bigint: true });
  } catch {
    return null;
  }
}
