/** Starts programs, in the end, with exactly the arguments and variables that they are to have. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { buildExecHelper, type ExecFailure } from '../elf/exec-helper.ts';
import { BinfmtctlError } from '../errors.ts';
import { ANSWERS, HELPER } from '../plan/setup-script.ts';
import { encodeText } from '../rule/text.ts';
import type { Variables } from '../system/environment.ts';
import type { SetupFailure } from '../system/follow-setup.ts';
import { type Ending, runInForeground } from '../system/foreground.ts';
import { strerror } from '../system/strerror.ts';
import { type Setup, supervise } from '../system/supervisor.ts';

/** A program, and the command that prepares everything for it. */
export interface Launch {
  /** Executes HELPER_PATH in the end. */
  readonly command: readonly [string, ...string[]];
  readonly setup?: Setup | undefined;
  readonly program: LaunchedProgram;
}

export interface LaunchedProgram {
  readonly path: string;
  readonly argv: readonly string[];
  readonly environment: Variables;
  /** First bytes of what the kernel executes. */
  readonly head: Uint8Array;
  /** For a program in a root: where it begins, and the user that it becomes. */
  readonly inside?: { readonly workdir: string; readonly uid: number | null } | undefined;
}

/**
 * Runs a program to its end.
 *
 * @throws PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE with what the kernel says; FILE_FAILED for its directory or user.
 */
export async function launch({ command, setup, program }: Launch): Promise<Ending | SetupFailure> {
  // Without /proc the helper has no path.
  if (setup === undefined && !existsSync('/proc/self/fd')) return runPlainly(program);
  const outcome = await supervise({ command, helper: helperFor(program), setup });
  if (!('call' in outcome)) return outcome;
  const script = outcome.call === 'execve' && nameOf(outcome) === 'ENOEXEC' ? asScript(program) : null;
  if (script === null) throw execError(program, outcome);
  return launch({ command, setup, program: script });
}

function helperFor({ path, argv, environment, inside }: LaunchedProgram): Uint8Array {
  const execution = {
    path: encodeText(path),
    argv: argv.map(encodeText),
    environment: [...environment].map(([name, value]) => encodeText(`${name}=${value}`)),
    inside: inside && { workdir: encodeText(inside.workdir), uid: inside.uid },
  };
  return buildExecHelper(process.arch, execution, { own: HELPER, report: ANSWERS });
}

/** As execvp(3) and shells run a text without a `#!` line. Null for what is no text. */
function asScript(program: LaunchedProgram): LaunchedProgram | null {
  const { path, argv, head } = program;
  if (head.includes(0) || path === SHELL) return null;
  return { ...program, path: SHELL, argv: [SHELL, path, ...argv.slice(1)] };
}

const SHELL = '/bin/sh';

/** Node's own function has no name for ENOEXEC. */
const nameOf = ({ errno }: ExecFailure): string =>
  Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;

function execError({ argv, path, inside }: LaunchedProgram, failure: ExecFailure): BinfmtctlError {
  const errno = nameOf(failure);
  const reason = strerror(errno);
  if (failure.call !== 'execve') {
    const what = failure.call === 'setuid' ? `become user ${inside?.uid}` : `change to ${inside?.workdir}`;
    return new BinfmtctlError('FILE_FAILED', `cannot ${what} inside: ${reason}`, {
      hint: 'check --workdir and --user',
    });
  }
  const message = `cannot execute ${argv[0] ?? path}: ${reason}`;
  if (errno === 'ENOENT')
    return new BinfmtctlError('PROGRAM_NOT_FOUND', message, {
      hint: `check ${path}, and the loader or interpreter that it names`,
    });
  return new BinfmtctlError('PROGRAM_NOT_EXECUTABLE', message, { hint: HINTS[errno] ?? `check ${path}` });
}

const HINTS: Readonly<Record<string, string>> = {
  E2BIG: 'pass fewer or shorter arguments and variables',
  ENOEXEC: 'the kernel takes no such file, and it is no script',
};

function runPlainly({ path, argv, environment }: LaunchedProgram): Promise<Ending> {
  const [argv0, ...args] = argv;
  return runInForeground(path, args, { argv0, env: Object.fromEntries(environment) });
}
