/** Protects process 1, the emulators and a read-only root from the program inside. */
import { realpathSync } from 'node:fs';
import type { Context } from '../../context.ts';
import type { Rule } from '../../rule/types.ts';
import { permittedCapabilities } from '../../system/host.ts';
import type { IdMaps } from '../../system/namespace/id-maps.ts';
import { flagsAt, submountsOf } from '../../system/namespace/mounts.ts';
import { chooseWithheld } from './capabilities.ts';
import type { EnterPlan } from './enter-script.ts';

/** The interpreters of rules, for mounts that prevent changes to them. */
export function emulatorsOf(rules: readonly Rule[]): EnterPlan['emulators'] {
  const paths = new Set(rules.map(({ interpreter }) => interpreter));
  return [...paths].map((path) => ({ path, flags: flagsAt(realpathSync(path)) }));
}

/** The mounts of a read-only root. An overlay contains only the tree's own file system, without its submounts. */
export const readOnlyMountsOf = (
  root: string,
  { ephemeral }: { readonly ephemeral: boolean },
): EnterPlan['readOnly'] => ({
  flags: flagsAt(root).filter((flag) => flag !== 'ro'),
  submounts: ephemeral ? [] : submountsOf(root),
});

/** A capability that process 1 has and the program lacks. In a new user namespace, process 1 has all (user_namespaces(7)). */
export function withheldFor(maps: IdMaps | null, { report }: Pick<Context, 'report'>): string {
  const withheld = maps === null ? chooseWithheld(permittedCapabilities()) : 'sys_ptrace';
  if (withheld !== null) return withheld;
  const text = 'the program can access the files of this machine: it has all capabilities of process 1';
  report({ kind: 'warning', text });
  return 'sys_ptrace';
}
