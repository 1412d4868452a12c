import { writeFileSync } from 'node:fs';
import { BinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../file/file-error.ts';
import { run } from '../process/process.ts';
import { requireTool } from '../process/tools.ts';
import type { IdMaps, IdRange } from './id-maps.ts';

const KINDS = ['uid', 'gid'] as const;
type Kind = (typeof KINDS)[number];

/**
 * Says which ids a user namespace has that a process was just started in: directly where the caller is root or gives no id
 * but his own (user_namespaces(7)), else through the set-user-id programs newuidmap(1) and newgidmap(1).
 *
 * @param pid a process of the caller's in a namespace without maps, which has executed a program there: one that has not
 * is not dumpable, so that its files in /proc are root's
 * @throws NO_PRIVILEGE for ids that the caller may not give; NO_TOOL without those programs; FILE_FAILED for wrong ranges.
 */
export async function writeIdMaps(pid: number, maps: IdMaps): Promise<void> {
  await Promise.all(KINDS.map((kind) => writeMap(pid, kind, maps[kind])));
}

async function writeMap(pid: number, kind: Kind, ranges: readonly IdRange[]): Promise<void> {
  const isOwn = isOwnOnly(kind, ranges);
  const isRoot = process.geteuid?.() === 0;
  if (!isOwn && !isRoot) return writeByTool(pid, kind, ranges);
  // A group that somebody was put into to keep him out is then not left (CVE-2014-8989).
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
    // The kernel takes it at once; node:fs/promises and its threads would take 3 ms.
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
  'the kernel, AppArmor or a container refuses it: are kernel.apparmor_restrict_unprivileged_userns and the like 0?';

async function writeByTool(pid: number, kind: Kind, ranges: readonly IdRange[]): Promise<void> {
  const name = `new${kind}map`;
  const tool = requireTool(name, 'the package uidmap, or shadow-utils or shadow where that is its name');
  const words = ranges.flatMap(wordsOf);
  const { exitCode, errno, stderr } = await run(tool, [String(pid), ...words], { env: { LC_ALL: 'C' } });
  if (exitCode === 0) return;
  const why = errno ?? (stderr.trim().split('\n')[0] || `status ${exitCode}`);
  throw new BinfmtctlError('NO_PRIVILEGE', `${name} cannot give a user namespace its ids: ${why}`, {
    hint: `is it set-user-id root, and does /etc/sub${kind} give this user these ids?`,
  });
}
