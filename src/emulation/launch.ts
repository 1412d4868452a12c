/** Starts programs with exact arguments and variables, after a command that sets up their environment. */
import { constants } from 'node:os';
import type { Context } from '../context.ts';
import { buildExecHelper, type ExecFailure } from '../elf/exec-helper/exec-helper.ts';
import { BinfmtctlError } from '../errors.ts';
import { isScriptText } from '../file-format/program-kind.ts';
import { encodeText } from '../rule/text.ts';
import { openExecutable } from '../system/file/unnamed-file.ts';
import { ANSWERS_FD, HELPER_FD } from '../system/namespace/setup-script.ts';
import type { Variables } from '../system/process/environment.ts';
import type { SetupFailure } from '../system/process/follow-setup.ts';
import type { Ending } from '../system/process/foreground.ts';
import { type Setup, supervise, superviseDirectly } from '../system/process/supervisor.ts';
import { strerror } from '../system/strerror.ts';

/** A program, and the command that sets up its environment. */
export interface PreparedLaunch {
  /** Executes HELPER_PATH last. */
  readonly command: readonly [string, ...string[]];
  readonly setup?: Setup | undefined;
  readonly program: LaunchedProgram;
}

export interface LaunchedProgram {
  readonly path: string;
  readonly argv: readonly string[];
  readonly environment: Variables;
  /** First bytes of the file that the kernel executes. */
  readonly head: Uint8Array;
  /** The error to throw if neither the kernel nor a shell can run the file. */
  readonly refusal?: BinfmtctlError | undefined;
  /** Working directory and user of a program in a root. */
  readonly inside?:
    | { readonly workdir: string; readonly uid: number | null; readonly filtersTerminal: boolean }
    | undefined;
}

/**
 * Runs a program and waits for it.
 *
 * @throws PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE with the kernel's reason; FILE_FAILED for its directory or user, or if a
 * setup needs the exec helper and it cannot be created; PROCESS_FAILED if the command cannot be started.
 */
export async function launch(
  { command, setup, program }: PreparedLaunch,
  context: Pick<Context, 'report'>,
): Promise<Ending | SetupFailure> {
  const helper = openHelper(program, setup);
  if (helper === null) return launchDirectly(program);
  const outcome = await supervise({ command, helper, setup });
  if ('errno' in outcome && !('call' in outcome)) throw startError(command[0], outcome.errno);
  if (!('call' in outcome)) return outcome;
  if (outcome.call === 'prctl' && program.inside !== undefined) {
    const reason = strerror(nameOf(outcome));
    context.report({
      kind: 'warning',
      text: `the program can inject input into this terminal: cannot install a seccomp filter (${reason})`,
    });
    const inside = { ...program.inside, filtersTerminal: false };
    return launch({ command, setup, program: { ...program, inside } }, context);
  }
  const script = outcome.call === 'execve' && nameOf(outcome) === 'ENOEXEC' ? asScript(program) : null;
  if (script === null) throw execError(program, outcome.call, nameOf(outcome));
  return launch({ command, setup, program: script }, context);
}

/** Null if the helper cannot be created and there is no setup: then the program can be started directly. */
function openHelper(program: LaunchedProgram, setup: Setup | undefined): number | null {
  try {
    return openExecutable(buildHelper(program));
  } catch (error) {
    if (setup === undefined) return null;
    throw error;
  }
}

function buildHelper({ path, argv, environment, inside }: LaunchedProgram): Uint8Array {
  const execution = {
    path: encodeText(path),
    argv: argv.map(encodeText),
    environment: [...environment].map(([name, value]) => encodeText(`${name}=${value}`)),
    inside: inside && { ...inside, workdir: encodeText(inside.workdir) },
  };
  return buildExecHelper(process.arch, execution, { own: HELPER_FD, report: ANSWERS_FD });
}

/** Starts a program without the helper. Node replaces bytes that are not UTF-8, and passes texts without a `#!` line to a shell. */
async function launchDirectly(program: LaunchedProgram): Promise<Ending> {
  const { argv, path, environment } = program;
  const ending = await superviseDirectly(path, argv, Object.fromEntries(environment));
  if ('errno' in ending) throw execError(program, 'execve', ending.errno);
  return ending;
}

/** Runs a text without a `#!` line with a shell, as execvp(3) does. Null for a binary file. */
function asScript(program: LaunchedProgram): LaunchedProgram | null {
  const { path, argv, head } = program;
  if (!isScriptText(head) || program.refusal !== undefined || path === SHELL) return null;
  return { ...program, path: SHELL, argv: [SHELL, path, ...argv.slice(1)] };
}

const SHELL = '/bin/sh';

/** The name of an errno. util.getSystemErrorName() lacks ENOEXEC. */
const nameOf = ({ errno }: ExecFailure): string =>
  Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;

function execError(
  { argv, path, refusal, inside }: LaunchedProgram,
  call: ExecFailure['call'],
  errno: string,
): BinfmtctlError {
  const reason = strerror(errno);
  if (call === 'chroot') {
    return new BinfmtctlError('FILE_FAILED', `cannot change the root directory: ${reason}`, {
      hint: 'check whether a container or security module forbids chroot(2)',
    });
  }
  if (call === 'setuid') {
    return new BinfmtctlError('FILE_FAILED', `cannot switch to user ${inside?.uid}: ${reason}`, {
      hint: 'check --user',
    });
  }
  if (call === 'chdir') {
    return new BinfmtctlError('FILE_FAILED', `cannot change to ${inside?.workdir}: ${reason}`, {
      hint: 'check --workdir',
    });
  }
  if (errno === 'ENOEXEC' && refusal !== undefined) return refusal;
  const message = `cannot execute ${argv[0] ?? path}: ${reason}`;
  if (errno === 'ENOENT')
    return new BinfmtctlError('PROGRAM_NOT_FOUND', message, {
      hint: `check ${path}, and the loader or interpreter that it names`,
    });
  return new BinfmtctlError('PROGRAM_NOT_EXECUTABLE', message, { hint: HINTS[errno] ?? `check ${path}` });
}

const HINTS: Readonly<Record<string, string>> = {
  E2BIG: 'pass fewer or shorter arguments and variables',
  ENOEXEC: 'inspect it with `file`: it is neither a valid executable nor a script',
};

const startError = (file: string, errno: string): BinfmtctlError =>
  new BinfmtctlError('PROCESS_FAILED', `cannot start ${file}: ${strerror(errno)}`, {
    hint: 'check the limits of processes and memory, and whether a security module forbids it',
  });
