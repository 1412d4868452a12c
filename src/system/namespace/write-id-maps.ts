import { writeFileSync } from 'node:fs';
import { BinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../file/file-error.ts';
import { run } from '../process/process.ts';
import { requireTool } from '../process/tools.ts';
import type { IdMaps, IdRange } from './id-maps.ts';

const KINDS = ['uid', 'gid'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Writes the ID maps of a new user namespace: directly if the caller is root or maps only its own ID (user_namespaces(7)),
 * otherwise with the set-user-ID programs newuidmap(1) and newgidmap(1).
 *
 * @param pid a process of the caller in the namespace, which must have executed a program there: before, it is not dumpable, and
 * its files in /proc belong to root
 * @throws NO_PRIVILEGE for IDs that the caller may not map; NO_TOOL without those programs; FILE_FAILED for invalid ranges.
 */
export async function writeIdMaps(pid: number, maps: IdMaps): Promise<void> {
  await Promise.all(KINDS.map((kind) => writeMap(pid, kind, maps[kind])));
}

async function writeMap(pid: number, kind: Kind, ranges: readonly IdRange[]): Promise<void> {
  const isOwn = isOwnOnly(kind, ranges);
  const isRoot = process.geteuid?.() === 0;
  if (!isOwn && !isRoot) return writeByTool(pid, kind, ranges);
  // The process could otherwise drop a group that denies it access to files (CVE-2014-8989).
  if (isOwn && kind === 'gid') writeDirectly(pid, 'setgroups', 'deny');
  writeDirectly(pid, `${kind}_map`, ranges.map((range) => `${wordsOf(range).join(' ')}\n`).join(''));
}

function isOwnOnly(kind: Kind, ranges: readonly IdRange[]): boolean {
  const own = kind === 'uid' ? process.geteuid?.() : process.getegid?.();
  const [first, second] = ranges;
  return first?.outside === own && first?.count === 1 && second === undefined;
}

const wordsOf = ({ inside, outside, count }: IdRange): readonly string[] =>
  [inside, outside, count].map(String);

function writeDirectly(pid: number, file: string, text: string): void {
  try {
    // Synchronous: the write does not block, and the threads of node:fs/promises would take 3 ms.
    writeFileSync(`/proc/${pid}/${file}`, text);
  } catch (cause) {
    const errno = errnoOf(cause);
    const isRefused = errno === 'EPERM' || errno === 'EACCES';
    throw new BinfmtctlError(
      isRefused ? 'NO_PRIVILEGE' : 'FILE_FAILED',
      `cannot write the ${file} of a user namespace: ${errno ?? cause}`,
      { hint: isRefused ? REFUSED : undefined, cause },
    );
  }
}

const REFUSED =
  'the kernel, AppArmor or the container restricts user namespaces; check `sysctl kernel.apparmor_restrict_unprivileged_userns`';

async function writeByTool(pid: number, kind: Kind, ranges: readonly IdRange[]): Promise<void> {
  const name = `new${kind}map`;
  const tool = requireTool(name, 'the package uidmap, shadow-utils or shadow');
  const words = ranges.flatMap(wordsOf);
  const { exitCode, errno, stderr } = await run(tool, [String(pid), ...words], { env: { LC_ALL: 'C' } });
  if (exitCode === 0) return;
  const why = errno ?? (stderr.trim().split('\n')[0] || `status ${exitCode}`);
  throw new BinfmtctlError('NO_PRIVILEGE', `${name} cannot map IDs of a user namespace: ${why}`, {
    hint: `check that ${name} is set-user-ID root, and that /etc/sub${kind} assigns these IDs to this user`,
  });
}
