import { describe, expect, it } from 'vitest';
import { scopeOf } from '../../../../src/binfmt/instance/scope.ts';

const known = { ownerUid: 0, initialUserNamespace: true, rootIsRootAbove: true };

describe('scopeOf', () => {
  it('is the host in the initial user namespace', () => {
    expect(scopeOf(known)).toBe('host');
  });

  it("is another's namespace where the initial one sees a child's instance", () => {
    expect(scopeOf({ ...known, ownerUid: 100_000 })).toBe('namespace');
  });

  it('is our namespace where its root, who is not root above, owns it', () => {
    expect(scopeOf({ ...known, initialUserNamespace: false, rootIsRootAbove: false })).toBe('namespace');
  });

  it('is a namespace above ours where its root is nobody here', () => {
    expect(scopeOf({ ...known, ownerUid: 65534, initialUserNamespace: false })).toBe('outer');
  });

  it('cannot be known where root here is root above', () => {
    expect(scopeOf({ ...known, initialUserNamespace: false })).toBe('unknown');
    expect(scopeOf({ ...known, ownerUid: null })).toBe('unknown');
  });
});
