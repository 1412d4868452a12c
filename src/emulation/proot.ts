/** proot: runs foreign programs without namespaces, by tracing their system calls with ptrace(2). */

import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { matches } from '../rule/match.ts';
import type { Rule } from '../rule/types.ts';
import { HELPER_PATH, withParent } from '../system/namespace/setup-script.ts';
import type { Ending } from '../system/process/foreground.ts';
import { findTool } from '../system/process/tools.ts';
import { type LaunchedProgram, launch, type PreparedLaunch } from './launch.ts';
import { namespaceFailureReason } from './namespace-error.ts';
import { runTools } from './setup-tools.ts';

/** The proot command for a program; null without proot or an emulator. proot splits the emulator's path at spaces. */
export function prootWords(
  rules: readonly Rule[],
  { head, path }: LaunchedProgram,
): readonly [string, ...string[]] | null {
  const proot = findTool('proot');
  const emulator = rules.find(({ pattern }) => matches(pattern, head, path))?.interpreter;
  if (proot === null || emulator === undefined || /\s/.test(emulator)) return null;
  return [proot, '-q', emulator];
}

/**
 * `run` with proot; null for root, or without proot. To bind files, proot creates and removes placeholders in the root, which is the
 * host's: as root, proot 5.1.0 removed `/etc/ld.so.preload` and `/dev/null`.
 */
export function prootRun(rules: readonly Rule[], program: LaunchedProgram): PreparedLaunch | null {
  if (process.geteuid?.() === 0) return null;
  const words = prootWords(rules, program);
  return words === null ? null : prootLaunch([...words, program.path, ...program.argv.slice(1)], program);
}

/** Runs the launch of `prootEnter`, with a warning. @throws the error if there is no launch. */
export async function runByProot(
  error: BinfmtctlError,
  fallback: PreparedLaunch | string | null,
  context: Pick<Context, 'report'>,
): Promise<Ending> {
  if (fallback === null) throw error;
  if (typeof fallback === 'string') throw withProotHint(error, fallback);
  context.report({ kind: 'warning', text: prootWarning(error) });
  return (await launch(fallback, context)) as Ending;
}

/** Adds to the hint of an error how proot would help. */
export const withProotHint = ({ code, message, hint }: BinfmtctlError, way: string): BinfmtctlError =>
  new BinfmtctlError(code, message, { hint: `${hint ?? ''}; or, without root, ${way}` });

/** The warning about the use of proot. */
export const prootWarning = (error: BinfmtctlError): string =>
  `using proot, which is slower and does not isolate the program: ${namespaceFailureReason(error)}`;

/** After SIGKILL of proot, the traced programs would survive. On SIGQUIT, proot kills them (tracee/event.c kill_all_tracees()). */
export function prootLaunch(
  argv: readonly [string, ...string[]],
  { environment, head }: LaunchedProgram,
): PreparedLaunch {
  const [path] = argv;
  const ending = withParent(runTools(), 'QUIT');
  const [first = HELPER_PATH, ...rest] = [...ending, HELPER_PATH];
  return { command: [first, ...rest], program: { path, argv, environment, head } };
}
