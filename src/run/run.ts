import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { BINFMT_DIRECTORY } from '../binfmt/directory.ts';
import type { Context } from '../context.ts';
import { findEmulation } from '../emulation/find.ts';
import { type LaunchedProgram, launch, type PreparedLaunch } from '../emulation/launch.ts';
import {
  diagnoseInstance,
  namespaceError,
  namespaceFailureReason,
  privateArch,
  readNamespaceFacts,
} from '../emulation/namespace-error.ts';
import { prootRun, prootWarning } from '../emulation/proot.ts';
import { runTools } from '../emulation/setup-tools.ts';
import type { Emulation, EmulationRequest } from '../emulation/types.ts';
import { withoutInstance } from '../emulation/without-instance.ts';
import { BinfmtctlError, isBinfmtctlError } from '../errors.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import { matches } from '../rule/match.ts';
import { fileError } from '../system/file/file-error.ts';
import { tryReadHead } from '../system/file/head.ts';
import { workingDirectory } from '../system/host.ts';
import { type IdMaps, identityMap, parseIdMap, singleMap } from '../system/namespace/id-maps.ts';
import { HELPER_PATH, withParent } from '../system/namespace/setup-script.ts';
import { callerVariables, type Variables } from '../system/process/environment.ts';
import type { Ending } from '../system/process/foreground.ts';
import { findProgram, type LocatedProgram } from '../system/process/locate-program.ts';
import { type FormatRun, findFormat, formatOf } from './format.ts';
import { runCommand } from './script.ts';

export interface RunRequest extends EmulationRequest {
  /** A path, or a name to look up in PATH. */
  readonly program: string;
  readonly args: readonly string[];
  /** A directory tree with the loader and libraries of the program's architecture. */
  readonly sysroot?: string | undefined;
  /** Added to the caller's environment. */
  readonly variables?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** Everything that is needed to run a program. */
export interface PreparedRun {
  readonly emulation: Emulation;
  /** First bytes of the programs in `emulation`. */
  readonly heads: readonly Uint8Array[];
  readonly launch: PreparedLaunch;
  /** Used if namespaces are unavailable: proot, or the emulator itself; null if neither works. */
  readonly fallback: PreparedLaunch | null;
  /** Why the program probably cannot run. Reported only if the kernel refuses it, too. */
  readonly refusal?: BinfmtctlError | undefined;
  /** The kind of `fallback`. */
  readonly way: 'emulator' | 'proot';
}

/**
 * Identifies a program and its emulator, and fetches a missing emulator.
 *
 * @throws PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE, NO_TOOL; FILE_FAILED and USAGE for a sysroot; the errors of `findEmulation`.
 */
export async function prepareRun(request: RunRequest, context: Context): Promise<PreparedRun> {
  const where = { root: null, path: process.env['PATH'] ?? '', workdir: workingDirectory() };
  const program = await findProgram(request.program, where);
  const heads = [program.head];
  const found = await findEmulation(heads, { ...request, path: program.name }, null, context);
  const format = found.programs[0] === null ? findFormat(program, request.program, context.catalogue) : null;
  const emulation = withFormat(found, format, program, context);
  const environment = await environmentFor(request, program, emulation, context);
  const launched = { ...launchedProgram(request, program, format), environment };
  const { refusal } = launched;
  if (emulation.rules === null)
    return { emulation, heads, launch: directly(launched), fallback: null, refusal, way: 'emulator' };
  const root = process.geteuid?.() === 0;
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const command = runCommand({
    directory: BINFMT_DIRECTORY,
    rules: emulation.rules,
    ids: root ? null : { uid, gid },
    tools: runTools(),
  });
  const byProot = emulation.programs[0] === 'private' ? prootRun(emulation.rules, launched) : null;
  const fallback = byProot ?? fallbackFor(request, program, emulation, environment);
  const way = byProot === null ? 'emulator' : 'proot';
  // Root could unmount the instance, and the last unmount removes all entries. Users get their own IDs back and cannot unmount it.
  const setup = root ? { maps: allIds(), held: `${BINFMT_DIRECTORY}/status` } : { maps: ownIds(uid, gid) };
  const launches = { launch: { command, setup, program: launched }, fallback };
  const prepared = { emulation, heads, ...launches, refusal, way } as const;
  if (!request.withReport) return prepared;
  const error = await diagnoseInstance('run', heads, emulation, context);
  if (error === null) return prepared;
  if (fallback === null) throw error;
  return {
    emulation: withoutInstance(
      emulation,
      privateArch(heads, emulation, context),
      way,
      fallbackWarning(error, way),
    ),
    heads,
    launch: fallback,
    fallback: null,
    refusal,
    way,
  };
}

/**
 * Runs the program and waits for it. If namespaces are unavailable, proot or the emulator runs it, with a warning.
 *
 * @throws NO_NAMESPACE with the reason and a command that fixes it; the errors of `launch`.
 */
export async function runPrepared(prepared: PreparedRun, context: Context): Promise<Ending> {
  const { fallback, way } = prepared;
  const outcome = await launchOrError(prepared, context);
  if (!(outcome instanceof BinfmtctlError)) return outcome;
  if (fallback === null) throw outcome;
  context.report({ kind: 'warning', text: fallbackWarning(outcome, way) });
  return (await launch(fallback, context)) as Ending;
}

/** How the program ended, or the error that kept it from starting in namespaces. */
async function launchOrError(
  { emulation, heads, launch: prepared }: PreparedRun,
  context: Context,
): Promise<Ending | BinfmtctlError> {
  try {
    const outcome = await launch(prepared, context);
    if (!('failed' in outcome)) return outcome;
    return namespaceError(readNamespaceFacts(outcome, 'run', privateArch(heads, emulation, context)));
  } catch (error) {
    // No directory is usable for the exec helper.
    if (isBinfmtctlError(error) && error.code === 'FILE_FAILED') return error;
    throw error;
  }
}

const fallbackWarning = (error: BinfmtctlError, way: PreparedRun['way']): string =>
  way === 'proot' ? prootWarning(error) : directWarning(error);

const directWarning = (error: BinfmtctlError): string =>
  `emulating the program but not its child processes: ${namespaceFailureReason(error)} (${error.hint})`;

/** An identity mapping of all IDs of this user namespace. */
export function allIds(): IdMaps {
  const present = (kind: string) => identityMap(parseIdMap(readFileSync(`/proc/self/${kind}_map`, 'utf8')));
  return { uid: present('uid'), gid: present('gid') };
}

const ownIds = (uid: number, gid: number): IdMaps => ({ uid: singleMap(uid, 0), gid: singleMap(gid, 0) });

function withFormat(
  emulation: Emulation,
  format: FormatRun | null,
  program: LocatedProgram,
  { catalogue }: Context,
): Emulation {
  if (format !== null) return 'refusal' in format ? emulation : { ...emulation, formats: [format] };
  const formats = emulation.formats.map((each) => ({ ...each, format: formatOf(program, catalogue) }));
  return { ...emulation, formats };
}

/** The program itself, or the emulator of its format with the arguments that the kernel would pass for an entry. */
function launchedProgram(
  { program: name, args }: RunRequest,
  { path, head }: LocatedProgram,
  format: FormatRun | null,
): Omit<LaunchedProgram, 'environment'> {
  if (format !== null && 'refusal' in format) return { path, argv: [name, ...args], head, ...format };
  if (format?.by !== 'emulator' || format.emulator === null) return { path, argv: [name, ...args], head };
  const { emulator } = format;
  return { path: emulator, argv: [emulator, path, ...args], head: tryReadHead(emulator, HEAD_SIZE) ?? head };
}

/** QEMU and FEX take the location of a program's loader and libraries from variables, which child processes inherit. */
async function environmentFor(
  { sysroot, variables: added = [] }: RunRequest,
  program: LocatedProgram,
  { programs, rules }: Emulation,
  context: Context,
): Promise<Variables> {
  const variables = new Map([...callerVariables(), ...added]);
  if (sysroot !== undefined) {
    const tree = requireTree(sysroot);
    return new Map([...variables, ['QEMU_LD_PREFIX', tree], ['FEX_ROOTFS', tree]]);
  }
  const isForeign = programs[0] === 'private' || programs[0] === 'entry';
  if (isForeign && program.loader !== null && !existsSync(program.loader)) {
    const { requireLoader } = await import('../emulation/on-demand.ts');
    requireLoader(program, program.loader, rules, context);
  }
  return variables;
}

/** The absolute path of a sysroot: child processes may change their directory. @throws FILE_FAILED, NO_PRIVILEGE, USAGE. */
function requireTree(sysroot: string): string {
  try {
    const tree = realpathSync(sysroot);
    if (statSync(tree).isDirectory()) return tree;
  } catch (error) {
    throw fileError(error, `use ${sysroot} as sysroot`);
  }
  throw new BinfmtctlError('USAGE', `--sysroot is not a directory: ${sysroot}`, {
    hint: 'pass the directory that holds the loader and libraries of the program: --sysroot DIR',
  });
}

/** Starts the emulator with the program as argument; for a script, with its interpreter and arguments, as the kernel would pass them. */
function fallbackFor(
  { args }: RunRequest,
  { name, file, head, leading: [argv0 = name, ...leading] }: LocatedProgram,
  { programs, rules }: Emulation,
  environment: Variables,
): PreparedLaunch | null {
  const rule =
    programs[0] === 'private' ? rules?.find(({ pattern }) => matches(pattern, head, name)) : undefined;
  if (rule === undefined) return null;
  const { interpreter } = rule;
  const argv0Option = rule.name.startsWith('qemu-') ? ['-0', argv0] : [];
  const argv = [interpreter, ...argv0Option, file, ...leading, ...args];
  return directly({ path: interpreter, argv, environment, head });
}

/** Launches without namespaces. The program is killed when binfmtctl ends. */
function directly(program: LaunchedProgram): PreparedLaunch {
  const [first = HELPER_PATH, ...rest] = [...withParent(runTools()), HELPER_PATH];
  return { command: [first, ...rest], program };
}
