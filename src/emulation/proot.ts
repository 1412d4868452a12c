/** proot: runs foreign programs without namespaces, by following their system calls with ptrace(2). */

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

/** proot and the emulator of a program; null without one of them. proot splits the emulator's path at spaces. */
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
 * `run` by proot, for plain users; null where it is not installed. To bind files, proot creates and removes placeholders in the root,
 * which is the machine's own: as root, proot 5.1.0 removed `/etc/ld.so.preload` and `/dev/null`.
 */
export function prootRun(rules: readonly Rule[], program: LaunchedProgram): PreparedLaunch | null {
  if (process.geteuid?.() === 0) return null;
  const words = prootWords(rules, program);
  return words === null ? null : prootLaunch([...words, program.path, ...program.argv.slice(1)], program);
}

/** Runs what `prootEnter` returns, with a warning. @throws the error where that is no launch. */
export async function runByProot(
  error: BinfmtctlError,
  fallback: PreparedLaunch | string | null,
  context: Pick<Context, 'report'>,
): Promise<Ending> {
  if (fallback === null) throw error;
  if (typeof fallback === 'string') throw orByProot(error, fallback);
  context.report({ kind: 'warning', text: prootWarning(error) });
  return (await launch(fallback, context)) as Ending;
}

/** The error of a machine where only proot could help, with how to get there. */
export const orByProot = ({ code, message, hint }: BinfmtctlError, way: string): BinfmtctlError =>
  new BinfmtctlError(code, message, { hint: `${hint ?? ''}; or, without root, ${way}` });

/** What one line says of a session under proot. */
export const prootWarning = (error: BinfmtctlError): string =>
  `proot runs it instead, slower and without isolation: ${namespaceFailureReason(error)}`;

/** SIGKILL would leave the programs that proot follows; at SIGQUIT it ends them (proot, tracee/event.c kill_all_tracees()). */
export function prootLaunch(
  argv: readonly [string, ...string[]],
  { environment, head }: LaunchedProgram,
): PreparedLaunch {
  const [path] = argv;
  const ending = withParent(runTools(), 'QUIT');
  const [first = HELPER_PATH, ...rest] = [...ending, HELPER_PATH];
  return { command: [first, ...rest], program: { path, argv, environment, head } };
}
