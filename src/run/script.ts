import type { Rule } from '../rule/types.ts';
import {
  AWAIT_PERMISSION,
  EXECUTE,
  inNewNamespaces,
  instanceLines,
  sealLine,
  type Tools,
} from '../system/namespace/setup-script.ts';
import { commandLine } from '../text/shell.ts';

export interface RunPlan {
  /** Where binfmt_misc is mounted in the new mount namespace. */
  readonly directory: string;
  /** Rules of the new instance, in the kernel's order. */
  readonly rules: readonly Rule[];
  /** IDs that the program runs with; null for root, which is root in the new user namespace, too. */
  readonly ids: { readonly uid: number; readonly gid: number } | null;
  readonly tools: Tools;
}

/** The command that executes the helper in new namespaces with a private instance. All of it runs in one process. */
export function runCommand(plan: RunPlan): readonly [string, ...string[]] {
  const { directory, rules, ids, tools } = plan;
  const start = ['echo "ready $$" >&2', AWAIT_PERMISSION, `exec ${EXECUTE}`].join('\n');
  const script = [
    ...instanceLines(directory, rules, tools),
    sealLine(directory, tools),
    ids === null ? start : asCaller(start, ids, tools),
  ];
  return inNewNamespaces(script.join('\n'), {
    flags: ['--mount', '--propagation', 'private'],
    user: true,
    tools,
  });
}

/** Runs a script in a second user namespace, which maps the caller's own IDs again and uses the instance of its parent namespace. */
function asCaller(
  script: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
  { sh, unshare }: Tools,
): string {
  const words = [unshare, '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--', sh, '-c', script];
  return `exec ${commandLine(words)}`;
}
