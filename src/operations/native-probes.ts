/** Tries whether the kernel runs programs of an arch itself. */
import { realpathSync } from 'node:fs';
import type { Arch } from '../catalogue/types.ts';
import { buildProbe, decodeReport, PROBE_EXIT_STATUS, probeEnvironment } from '../elf/probe.ts';
import { BinfmtctlError } from '../errors.ts';
import { type Command, inNamespaces } from '../system/namespaces.ts';
import { type RunResult, run } from '../system/process.ts';
import { findTool } from '../system/tools.ts';
import { withWorkspace } from './workspace.ts';

/** Whether the kernel runs it; else the fact that is missing to tell. */
export type Finding = boolean | string;

/** Exit status of a script whose interpreter no format took, see `scriptFor`. */
const NOT_TAKEN = 77;
const TIME_LIMIT_MS = 10_000;

/** What was decided stays so as long as the kernel runs. */
const decided = new Map<string, boolean>();

/** A finding for each arch. @throws INTERRUPTED. */
export async function tryAll(arches: readonly Arch[], signal: AbortSignal): Promise<readonly Finding[]> {
  const open = arches.filter((arch) => !decided.has(keyOf(arch)));
  if (open.length === 0) return arches.map((arch) => decided.get(keyOf(arch)) ?? false);
  const files = open.flatMap((arch, index) => [
    { name: `probe-${index}`, bytes: markedProbe(arch) },
    { name: `script-${index}`, bytes: scriptFor(`probe-${index}`) },
  ]);
  let findings: readonly Finding[];
  try {
    findings = await withWorkspace(files, (directory) =>
      Promise.all(open.map((arch, index) => tryOne(arch, index, realpathSync(directory), signal))),
    );
  } catch (error) {
    if (!(error instanceof BinfmtctlError) || error.code === 'INTERRUPTED') throw error;
    findings = open.map(() => error.message);
  }
  for (const [index, arch] of open.entries()) {
    const finding = findings[index];
    if (typeof finding === 'boolean') decided.set(keyOf(arch), finding);
  }
  return arches.map((arch) => decided.get(keyOf(arch)) ?? findings[open.indexOf(arch)] ?? false);
}

const keyOf = ({ elf, probe }: Arch): string => Buffer.from(buildProbe(elf, probe)).toString('latin1');

/**
 * A probe with padding that is not zero: the kernel's ELF loader ignores EI_PAD (fs/binfmt_elf.c), and the entries of
 * emulators require zeros there, so that it is the kernel that runs it, or none.
 */
function markedProbe({ elf, probe }: Arch): Uint8Array {
  const bytes = buildProbe(elf, probe);
  bytes.fill(0x7f, 9, 16);
  return bytes;
}

/**
 * A script that runs the probe. If no format takes the probe, execve(2) of the script gives ENOEXEC, and execvp(3) and
 * shells then run its text, which ends with a status of its own. The path is relative, so that its length is no limit.
 */
const scriptFor = (probe: string): Uint8Array =>
  new TextEncoder().encode(`#!./${probe}\nexit ${NOT_TAKEN}\n`);

/** Tried as it is; if an entry takes it even so, once more in a namespace with an empty instance. */
async function tryOne(arch: Arch, index: number, directory: string, signal: AbortSignal): Promise<Finding> {
  const path = `${directory}/probe-${index}`;
  const attempt = async (command: Command): Promise<Finding | 'taken'> => {
    const [file, ...args] = command;
    const options = { env: probeEnvironment, input: '', timeoutMs: TIME_LIMIT_MS, signal, cwd: directory };
    const result = await run(file, args, options);
    if (signal.aborted)
      throw new BinfmtctlError('INTERRUPTED', `interrupted while trying ${arch.id}`, {
        cause: signal.reason,
      });
    const report = result.exitCode === PROBE_EXIT_STATUS ? decodeReport(result.stdout, arch.elf) : null;
    if (report === null) return judgeFailure(result);
    if (report.exe === null) return '/proc is not mounted, which shows what runs a probe';
    return report.exe === path ? true : 'taken';
  };
  const first = await attempt([`./script-${index}`]);
  if (typeof first === 'boolean') return first;
  const second = await attempt(
    inNamespaces({ user: true, mount: true }, inEmptyInstance(`./script-${index}`)),
  );
  if (typeof second === 'boolean') return second;
  const here = first === 'taken' ? 'an entry takes its programs' : first;
  const elsewhere = second === 'taken' ? 'an entry takes them there, too' : second;
  return `${here}; in a namespace without entries: ${elsewhere}`;
}

function judgeFailure({ errno, exitCode, signal, timedOut, stderr }: RunResult): Finding {
  if (exitCode === NOT_TAKEN || errno === 'ENOEXEC') return false;
  if (timedOut) return `a probe did not end within ${TIME_LIMIT_MS / 1000} s`;
  if (errno !== null) return `a probe could not be started: ${errno}`;
  if (signal !== null) return `a probe was killed by ${signal}`;
  const [line = ''] = stderr.split('\n');
  return line === '' ? `a probe ended with status ${exitCode}` : line;
}

function inEmptyInstance(path: string): Command {
  const mount = ['mount', '-t', 'binfmt_misc', 'binfmt_misc', '/proc/sys/fs/binfmt_misc'];
  if (findTool('sh') !== null) return ['sh', '-c', `${mount.join(' ')} && exec "$0"`, path];
  // As in the container image.
  const script = `const { execFileSync, spawnSync } = require('node:child_process');
    const [path, mount, ...args] = process.argv.slice(1);
    execFileSync(mount, args);
    process.exitCode = spawnSync(path, { stdio: 'inherit' }).status ?? 1;`;
  return [process.execPath, '-e', script, path, ...mount];
}
