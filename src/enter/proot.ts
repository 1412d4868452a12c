import type { LaunchedProgram, PreparedLaunch } from '../emulation/launch.ts';
import { prootLaunch, prootWords } from '../emulation/proot.ts';
import type { Rule } from '../rule/types.ts';
import { findTool } from '../system/process/tools.ts';
import type { Bind } from './mounts/root-mounts.ts';
import type { EnterRequest } from './types.ts';

interface ProotRoot {
  readonly root: string;
  readonly binds: readonly Bind[];
  /** Null for root. */
  readonly account: { readonly uid: number; readonly gid: number } | null;
}

/**
 * `enter` with proot, but not for root, whose programs would change files of the host. If proot cannot be used, instructions that
 * follow "or, without root, " in a hint.
 */
export function prootEnter(
  rules: readonly Rule[],
  { root, binds, account }: ProotRoot,
  request: EnterRequest,
  program: LaunchedProgram,
): PreparedLaunch | string {
  if (process.geteuid?.() === 0 || findTool('proot') === null) return 'install proot';
  const unsupportedOption = unsupported(request, program);
  if (unsupportedOption !== null) return `omit ${unsupportedOption}, so that proot can be used`;
  const words = prootWords(rules, program);
  if (words === null) return 'move the emulator to a path without spaces, so that proot can be used';
  const machine = ['/proc', '/sys', '/dev'].flatMap((path) => ['-b', path]);
  const bound = binds.flatMap(({ source, target }) => ['-b', `${source}:/${target}`]);
  const user = account === null ? ['-0'] : ['-i', `${account.uid}:${account.gid}`];
  const options = ['-r', root, ...machine, ...bound, ...user, '-w', program.inside?.workdir ?? '/'];
  return prootLaunch([...words, ...options, program.path, ...program.argv.slice(1)], program);
}

/** The first requested option that proot does not support. Variables of the dynamic loader would affect proot itself. */
function unsupported(
  { readOnly, ephemeral, noNetwork, hostname, binds }: EnterRequest,
  { environment }: LaunchedProgram,
): string | null {
  const readOnlyBind = binds.find((bind) => bind.endsWith(':ro'));
  const variable = [...environment.keys()].find((name) => /^(?:LD|PROOT|GLIBC)_/.test(name));
  const requested = [
    readOnly && '--read-only',
    ephemeral && '--ephemeral',
    noNetwork && '--net none',
    hostname !== null && '--hostname',
    readOnlyBind !== undefined && `:ro of --bind ${readOnlyBind}`,
    variable !== undefined && `--env ${variable}`,
  ];
  return requested.find((each) => each !== false) ?? null;
}
