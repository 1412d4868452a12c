/**
 * Where an instance's entries apply.
 *
 * - `host`: to all programs of the machine, except those in user namespaces with their own instance.
 * - `namespace`: to our user namespace and its descendants. The entries end with it.
 * - `outer`: to an ancestor of our user namespace. We cannot change the instance.
 * - `unknown`: either `host` or `namespace`.
 */
export type Scope = 'host' | 'namespace' | 'outer' | 'unknown';

export interface ScopeFacts {
  /** Owner of the instance's files, as seen from here: root of the user namespace that mounted it first (bm_fill_super()). */
  readonly ownerUid: number | null;
  readonly initialUserNamespace: boolean | null;
  /** Whether uid 0 is also uid 0 in the parent user namespace. */
  readonly rootIsRootAbove: boolean | null;
}

/** Infers the scope, which the kernel does not expose. Pure. */
export function scopeOf(facts: ScopeFacts): Scope {
  const { ownerUid, initialUserNamespace, rootIsRootAbove } = facts;
  if (ownerUid === null || initialUserNamespace === null) return 'unknown';
  if (initialUserNamespace) return ownerUid === 0 ? 'host' : 'namespace';
  // An owner outside our namespace appears as 65534 (nobody), or as another of our mapped uids.
  if (ownerUid !== 0) return 'outer';
  return rootIsRootAbove === false ? 'namespace' : 'unknown';
}
