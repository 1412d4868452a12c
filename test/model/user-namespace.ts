/** Which instance counts for a process: fs/binfmt_misc.c current_binfmt_misc(). */
import type { Instance } from './instance.ts';

export interface UserNamespace {
  /** Null for the initial one. */
  readonly parent: UserNamespace | null;
  /**
   * Null where binfmt_misc was never mounted in it. An instance whose last mount has gone is empty, but still there:
   * it hides the ones above for as long as the namespace lives.
   */
  readonly instance: Instance | null;
}

/**
 * The instance that is asked when a process of `namespace` executes a file: that of the nearest namespace, from its own
 * upwards, that has ever mounted binfmt_misc. Mount namespaces, and what is mounted where, do not count. Null where none
 * has one, which is as good as an empty one. Before Linux 6.7 only the initial namespace has an instance.
 */
export function servingInstance(namespace: UserNamespace): Instance | null {
  for (let each: UserNamespace | null = namespace; each !== null; each = each.parent) {
    if (each.instance !== null) return each.instance;
  }
  return null;
}
