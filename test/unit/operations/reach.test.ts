import { describe, expect, it } from 'vitest';
import { endsWith, reachError } from '../../../src/operations/reach.ts';

describe('reachError', () => {
  it.each(['machine', 'unseen', 'process'] as const)('accepts an instance with the holder: %s', (holder) => {
    expect(reachError('/d', holder, true)).toBeNull();
  });

  it.each([
    ['none', /only this mount namespace holds binfmt_misc/],
    ['unknown', /unknown: its files are dated in the future/],
  ] as const)('refuses an instance with the holder %j, with the reason', (holder, reason) => {
    const error = reachError('/d', holder, true);
    expect(error).toMatchObject({ code: 'NO_BINFMT_MISC', message: expect.stringMatching(reason) });
    expect(error?.hint).toMatch(/^on the host, as root: `mount -t binfmt_misc binfmt_misc \/d`/);
  });

  it('names the way to short-lived entries outside of the image alone', () => {
    expect(reachError('/d', 'none', false)?.hint).toMatch(/run it here instead$/);
    expect(reachError('/d', 'none', true)?.hint).toMatch(/run binfmtctl again$/);
  });
});

describe('endsWith', () => {
  it('names the process with which the entries end, and the command that keeps them', () => {
    expect(endsWith('/d', { pid: '7', name: 'catatonit' })).toMatch(
      /^binfmt_misc is not mounted on the host: .* process 7 \(catatonit\); on the host, as root: `mount /,
    );
  });
});
