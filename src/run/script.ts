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
  /** What the new instance holds, in the kernel's order. */
  readonly rules: readonly Rule[];
  /** Whom the program runs as; null for root, which the new namespace's root stands for. */
  readonly ids: { readonly uid: number; readonly gid: number } | null;
  readonly tools: Tools;
}

/** The command that executes the helper in namespaces with an instance of their own. The process stays the same all along. */
export function runCommand(plan: RunPlan): readonly [string, ...string[]] {
  const { directory, rules, ids, tools } = plan;
  const start = ['echo "ready $$" >&2', AWAIT_PERMISSION, `exec ${EXECUTE}`].join('\n');
  const script = [
    ...instanceLines(directory, rules, tools),
    sealLine(directory, tools),
    ids === null ? start : asThemselves(start, ids, tools),
  ];
  return inNewNamespaces(script.join('\n'), {
    flags: ['--mount', '--propagation', 'private'],
    user: true,
    tools,
  });
}

/** In a second user namespace, which gives the caller its own id back; its instance is that of the namespace above it. */
function asThemselves(
  script: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
  { sh, unshare }: Tools,
): string {
  const words = [unshare, '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--', sh, '-c', script];
  return `exec ${commandLine(words)}`;
}
