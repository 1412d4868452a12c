import type { Rule } from '../rule/types.ts';
import {
  AWAIT_LEAVE,
  HAND_OVER,
  inNewNamespaces,
  instanceLines,
  restoreVariables,
  type Tools,
  withVariables,
} from './setup-script.ts';
import { commandLine } from './shell.ts';

export interface RunPlan {
  /** Where binfmt_misc is mounted in the new mount namespace. */
  readonly directory: string;
  /** What the new instance holds, in the kernel's order. */
  readonly rules: readonly Rule[];
  /** Whom the program runs as; null for root, which the new namespace's root stands for. */
  readonly ids: { readonly uid: number; readonly gid: number } | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly program: readonly string[];
  readonly tools: Tools;
}

/** The command that runs a program in namespaces with an instance of their own. The process stays the same all along. */
export function runCommand(plan: RunPlan): readonly [string, ...string[]] {
  const { directory, rules, ids, environment, program, tools } = plan;
  // A second user namespace gives the caller its own id back; its instance is that of the namespace above it.
  const back =
    ids === null ? [] : [tools.unshare, '--user', `--map-user=${ids.uid}`, `--map-group=${ids.gid}`, '--'];
  const script = [
    ...instanceLines(directory, rules, tools),
    'echo "ready $$" >&2',
    AWAIT_LEAVE,
    restoreVariables(environment),
    `exec ${[commandLine([...withVariables(environment, tools), ...back]), '"$@"', HAND_OVER].join(' ')}`,
  ].join('\n');
  return inNewNamespaces(script, program, {
    flags: ['--mount', '--propagation', 'private'],
    user: true,
    tools,
  });
}
