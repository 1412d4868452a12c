/** proot: runs foreign programs without namespaces, by following their system calls with ptrace(2). */
import { BinfmtctlError } from '../errors.ts';
import type { Bind } from '../plan/root-mounts.ts';
import { HELPER_PATH, withParent } from '../plan/setup-script.ts';
import { matches } from '../rule/match.ts';
import type { Rule } from '../rule/types.ts';
import type { Ending } from '../system/foreground.ts';
import { findTool } from '../system/tools.ts';
import type { Context } from './context.ts';
import type { EnterRequest } from './enter/types.ts';
import { type Launch, type LaunchedProgram, launch } from './launch.ts';
import { obstacleReason } from './obstacle.ts';
import { runTools } from './setup-tools.ts';

/** proot and the emulator of a program; null without one of them. proot splits the emulator's path at spaces. */
function prootWords(
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
export function prootRun(rules: readonly Rule[], program: LaunchedProgram): Launch | null {
  if (process.geteuid?.() === 0) return null;
  const words = prootWords(rules, program);
  return words === null ? null : launchOf([...words, program.path, ...program.argv.slice(1)], program);
}

/**
 * `enter` by proot, for plain users: root's programs would change files of the machine. Otherwise what has to change, in words
 * that go after "or, without root, ".
 */
export function prootEnter(
  rules: readonly Rule[],
  { root, binds }: { readonly root: string; readonly binds: readonly Bind[] },
  request: EnterRequest,
  account: { readonly uid: number; readonly gid: number } | null,
  program: LaunchedProgram,
): Launch | string {
  if (process.geteuid?.() === 0 || findTool('proot') === null) return 'install proot';
  const obstacle = unsupported(request, program);
  if (obstacle !== null) return `use proot: omit ${obstacle}`;
  const words = prootWords(rules, program);
  if (words === null) return 'use proot: move the emulator to a path without spaces';
  const machine = ['/proc', '/sys', '/dev'].flatMap((path) => ['-b', path]);
  const bound = binds.flatMap(({ source, target }) => ['-b', `${source}:/${target}`]);
  const user = account === null ? ['-0'] : ['-i', `${account.uid}:${account.gid}`];
  const options = ['-r', root, ...machine, ...bound, ...user, '-w', program.inside?.workdir ?? '/'];
  return launchOf([...words, ...options, program.path, ...program.argv.slice(1)], program);
}

/** Runs what `prootEnter` returns, with a warning. @throws the error where that is no launch. */
export async function runByProot(
  error: BinfmtctlError,
  fallback: Launch | string | null,
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
  `proot runs it instead, slower and without isolation: ${obstacleReason(error)}`;

/** The first option that proot has nothing for. Variables of the loader would act on proot itself. */
function unsupported(
  { readOnly, ephemeral, noNetwork, hostname, binds }: EnterRequest,
  { environment }: LaunchedProgram,
): string | null {
  const readOnlyBind = binds.find((bind) => bind.endsWith(':ro'));
  const variable = [...environment.keys()].find((name) => /^(?:LD|PROOT|GLIBC)_/.test(name));
  const wanted = [
    readOnly && '--read-only',
    ephemeral && '--ephemeral',
    noNetwork && '--net none',
    hostname !== null && '--hostname',
    readOnlyBind !== undefined && `:ro of --bind ${readOnlyBind}`,
    variable !== undefined && `--env ${variable}`,
  ];
  return wanted.find((each) => each !== false) ?? null;
}

/** SIGKILL would leave the programs that proot follows; at SIGQUIT it ends them (proot, tracee/event.c kill_all_tracees()). */
function launchOf(argv: readonly [string, ...string[]], { environment, head }: LaunchedProgram): Launch {
  const [path] = argv;
  const ending = withParent(runTools(), 'QUIT');
  const [first = HELPER_PATH, ...rest] = [...ending, HELPER_PATH];
  return { command: [first, ...rest], program: { path, argv, environment, head } };
}
