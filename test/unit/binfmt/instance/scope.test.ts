import { describe, expect, it } from 'vitest';
import { scopeOf } from '../../../../src/binfmt/instance/scope.ts';

const known = { ownerUid: 0, initialUserNamespace: true, rootIsRootAbove: true };

describe('scopeOf', () => {
  it('is the host in the initial user namespace', () => {
    expect(scopeOf(known)).toBe('host');
  });

  it('is a namespace if the initial one sees the instance of a child', () => {
    expect(scopeOf({ ...known, ownerUid: 100_000 })).toBe('namespace');
  });

  it('is our namespace if our root owns it and is not root in the parent', () => {
    expect(scopeOf({ ...known, initialUserNamespace: false, rootIsRootAbove: false })).toBe('namespace');
  });

  it('is an outer namespace if its owner is not mapped here', () => {
    expect(scopeOf({ ...known, ownerUid: 65534, initialUserNamespace: false })).toBe('outer');
  });

  it('is unknown if root is also root in the parent', () => {
    expect(scopeOf({ ...known, initialUserNamespace: false })).toBe('unknown');
    expect(scopeOf({ ...known, ownerUid: null })).toBe('unknown');
  });
});
