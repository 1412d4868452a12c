/** The instance in effect for a process: fs/binfmt_misc.c current_binfmt_misc(). */
import type { Instance } from './instance.ts';

export interface UserNamespace {
  /** Null for the initial one. */
  readonly parent: UserNamespace | null;
  /**
   * Null if binfmt_misc was never mounted in it. An instance without mounts is empty but still exists: it hides those
   * of parent namespaces for the lifetime of its namespace.
   */
  readonly instance: Instance | null;
}

/**
 * Returns the instance in effect when a process of `namespace` executes a file: that of the closest namespace, from its
 * own upwards, that has ever mounted binfmt_misc. Mount namespaces do not matter. Null if there is none, which is
 * equivalent to an empty one. Before Linux 6.7, only the initial namespace has an instance.
 */
export function servingInstance(namespace: UserNamespace): Instance | null {
  for (let each: UserNamespace | null = namespace; each !== null; each = each.parent) {
    if (each.instance !== null) return each.instance;
  }
  return null;
}
