/** Probes whether the kernel runs programs of an arch natively. */

import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { BINFMT_DIRECTORY } from '../binfmt/directory.ts';
import { readEntries } from '../binfmt/entries.ts';
import { inspectInstance } from '../binfmt/instance/instance.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { buildProbe, decodeReport, PROBE_EXIT_STATUS, probeEnvironment } from '../elf/probe.ts';
import { interrupted, isItemFailure } from '../errors.ts';
import { PROBE_TIME_LIMIT_MS } from '../probe/time-limit.ts';
import { withWorkspace } from '../probe/workspace.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import { matches } from '../rule/match.ts';
import { type AnyEntry, isBpf } from '../rule/types.ts';
import { readHead } from '../system/file/head.ts';
import { type Command, inNamespaces } from '../system/namespace/namespaces.ts';
import { type RunResult, run } from '../system/process/process.ts';
import { findTool, isProgram } from '../system/process/tools.ts';

/** True if the kernel runs it natively, false if not, or the reason why this is unknown. */
export type Finding = boolean | string;

export type ProbeContext = Pick<Context, 'signal' | 'binfmtDirectory'>;

/** Exit status of a script whose interpreter matches no format, see `scriptFor`. */
const NO_FORMAT = 77;

/** Findings are valid as long as the kernel runs. */
const decided = new Map<string, boolean>();

/** Probes each arch. @throws INTERRUPTED. */
export async function tryAll(arches: readonly Arch[], context: ProbeContext): Promise<readonly Finding[]> {
  const undecided = arches.filter((arch) => !decided.has(keyOf(arch)));
  if (undecided.length === 0) return arches.map((arch) => decided.get(keyOf(arch)) ?? false);
  const files = undecided.flatMap((arch, index) => [
    { name: `probe-${index}`, bytes: markedProbe(arch) },
    { name: `script-${index}`, bytes: scriptFor(`probe-${index}`) },
  ]);
  let findings: readonly Finding[];
  try {
    findings = await withWorkspace(files, (directory) =>
      Promise.all(undecided.map((arch, index) => tryOne(arch, index, realpathSync(directory), context))),
    );
  } catch (error) {
    if (!isItemFailure(error)) throw error;
    findings = undecided.map(() => error.message);
  }
  for (const [index, arch] of undecided.entries()) {
    const finding = findings[index];
    if (typeof finding === 'boolean') decided.set(keyOf(arch), finding);
  }
  return arches.map((arch) => decided.get(keyOf(arch)) ?? findings[undecided.indexOf(arch)] ?? false);
}

const keyOf = ({ elf, probe }: Arch): string => Buffer.from(buildProbe(elf, probe)).toString('latin1');

/**
 * A probe with non-zero padding. The kernel's ELF loader ignores EI_PAD (fs/binfmt_elf.c), while the entries of
 * emulators require zeros there, so only the kernel itself runs it.
 */
function markedProbe({ elf, probe }: Arch): Uint8Array {
  const bytes = buildProbe(elf, probe);
  bytes.fill(0x7f, 9, 16);
  return bytes;
}

/**
 * A script that runs the probe. If no format matches the probe, execve(2) of the script returns ENOEXEC; execvp(3) and
 * shells then run its text, which exits with NO_FORMAT. The path is relative because the kernel limits the length of
 * `#!` lines.
 */
const scriptFor = (probe: string): Uint8Array =>
  new TextEncoder().encode(`#!./${probe}\nexit ${NO_FORMAT}\n`);

/** Result of running a probe: the kernel itself ran it, an entry matched it, or no format did. */
type Attempt = 'native' | 'taken' | 'no format' | { readonly missing: string };

/**
 * Runs the probe directly, then in a namespace with an empty instance. `no format` of the direct run proves nothing: an
 * entry whose interpreter matches no format also gives ENOEXEC, and any interpreter can exit with NO_FORMAT.
 */
async function tryOne(
  arch: Arch,
  index: number,
  directory: string,
  { signal, binfmtDirectory }: ProbeContext,
): Promise<Finding> {
  const script = `./script-${index}`;
  const attempt = async ([file, ...args]: Command): Promise<RunResult> => {
    const options = {
      env: probeEnvironment,
      input: '',
      timeoutMs: PROBE_TIME_LIMIT_MS,
      signal,
      cwd: directory,
    };
    const result = await run(file, args, options);
    if (!signal.aborted) return result;
    throw interrupted(signal, `trying ${arch.id}`);
  };
  const judge = (result: RunResult): Attempt => judgeAttempt(result, arch, `${directory}/probe-${index}`);
  const direct = await attempt([script]);
  const isRefused = direct.errno === 'ENOEXEC' || isShellMissing(direct.errno, join(directory, script));
  const first = isRefused ? 'no format' : judge(direct);
  if (first === 'native') return true;
  const empty = inNamespaces({ user: true, mount: true }, inEmptyInstance(script));
  const second = judge(await attempt(empty));
  const files = [`./probe-${index}`, script].map((path) => ({
    path,
    head: readHead(join(directory, path), HEAD_SIZE),
  }));
  return conclude(first, second, () => mayTakeAny(files, binfmtDirectory));
}

/**
 * Combines two attempts. Kernels before 6.7 have only one instance; the entries then show whether one of them matches
 * the probe.
 */
export function conclude(first: Attempt, second: Attempt, mayBeTaken: () => boolean): Finding {
  if (first === 'native' || second === 'native') return true;
  if (second === 'no format') return false;
  if (first === 'no format' && !mayBeTaken()) return false;
  const here =
    first === 'no format'
      ? 'an entry may match its programs'
      : missingFrom(first, 'an entry matches its programs');
  return `${here}; in a namespace without entries: ${missingFrom(second, 'an entry matches them there too')}`;
}

const missingFrom = (attempt: Attempt, otherwise: string): string =>
  typeof attempt === 'string' ? otherwise : attempt.missing;

function judgeAttempt(result: RunResult, { elf }: Arch, path: string): Attempt {
  const { errno, exitCode, signal, timedOut, stdout, stderr } = result;
  const report = exitCode === PROBE_EXIT_STATUS ? decodeReport(stdout, elf) : null;
  if (report !== null) {
    if (report.exe === null) return { missing: '/proc is not mounted' };
    return report.exe === path ? 'native' : 'taken';
  }
  if (exitCode === NO_FORMAT) return 'no format';
  if (timedOut) return { missing: `the probe did not finish within ${PROBE_TIME_LIMIT_MS / 1000} s` };
  if (errno !== null) return { missing: `the probe could not be started: ${errno}` };
  if (signal !== null) return { missing: `the probe was killed by ${signal}` };
  const [line = ''] = stderr.split('\n');
  return { missing: line === '' ? `the probe exited with status ${exitCode}` : line };
}

/** glibc's execvp(3) returns the errno of /bin/sh, which the container image lacks, instead of ENOEXEC. */
const isShellMissing = (errno: string | null, path: string): boolean =>
  errno === 'ENOENT' && isProgram(path) && !existsSync('/bin/sh');

/** True if an entry may match one of the files, or if the entries in `directory` may not be the ones in effect. */
function mayTakeAny(
  files: readonly { readonly path: string; readonly head: Uint8Array }[],
  directory: string,
): boolean {
  if (inspectInstance(directory).scope !== 'host') return true;
  const { all, unreadable } = readEntries(directory);
  const takes = (entry: AnyEntry): boolean =>
    isBpf(entry) || files.some(({ path, head }) => matches(entry.pattern, head, path));
  return unreadable.length > 0 || all.some(takes);
}

function inEmptyInstance(path: string): Command {
  const mount = ['mount', '-t', 'binfmt_misc', 'binfmt_misc', BINFMT_DIRECTORY];
  if (findTool('sh') !== null) return ['sh', '-c', `${mount.join(' ')} && exec "$0"`, path];
  // The container image has no shell; see `isShellMissing`.
  const script = `const { execFileSync, spawnSync } = require('node:child_process');
    const { existsSync } = require('node:fs');
    const [path, mount, ...args] = process.argv.slice(1);
    execFileSync(mount, args);
    const { status, error } = spawnSync(path, { stdio: 'inherit' });
    const isShellMissing = error?.code === 'ENOENT' && existsSync(path) && !existsSync('/bin/sh');
    process.exitCode = status ?? (error?.code === 'ENOEXEC' || isShellMissing ? ${NO_FORMAT} : 1);`;
  return [process.execPath, '-e', script, path, ...mount];
}
