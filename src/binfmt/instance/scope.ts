/**
 * Whom an instance's entries serve. `host`: every program of the machine, but those in user namespaces with an
 * instance of their own. `namespace`: our user namespace and those below it; they go with it. `outer`: a user
 * namespace above ours, which cannot be changed from here. `unknown`: the host's or our namespace's.
 */
export type Scope = 'host' | 'namespace' | 'outer' | 'unknown';

export interface ScopeFacts {
  /** Owner of the instance's files as seen here: root of the user namespace that mounted it first (bm_fill_super()). */
  readonly ownerUid: number | null;
  readonly initialUserNamespace: boolean | null;
  /** Whether uid 0 here is uid 0 above. */
  readonly rootIsRootAbove: boolean | null;
}

/** Pure; the kernel itself has no way to ask. */
export function scopeOf(facts: ScopeFacts): Scope {
  const { ownerUid, initialUserNamespace, rootIsRootAbove } = facts;
  if (ownerUid === null || initialUserNamespace === null) return 'unknown';
  if (initialUserNamespace) return ownerUid === 0 ? 'host' : 'namespace';
  // Another owner is nobody here (65534), or has a uid of ours other than root's.
  if (ownerUid !== 0) return 'outer';
  return rootIsRootAbove === false ? 'namespace' : 'unknown';
}
