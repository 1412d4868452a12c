import { describe, expect, it } from 'vitest';
import { reachError } from '../../../src/operations/reach.ts';

describe('reachError', () => {
  it('accepts an instance that another mount namespace holds', () => {
    expect(reachError('/d', true, true)).toBeNull();
  });

  it.each([
    [false, /only this mount namespace holds binfmt_misc/],
    [null, /unknown: its files are dated in the future/],
  ])('refuses an instance where that is %j, with the reason', (held, reason) => {
    const error = reachError('/d', held, true);
    expect(error).toMatchObject({ code: 'NO_BINFMT_MISC', message: expect.stringMatching(reason) });
    expect(error?.hint).toMatch(/^on the host, as root: `mount -t binfmt_misc binfmt_misc \/d`/);
  });

  it('names the way to short-lived entries outside of the image alone', () => {
    expect(reachError('/d', false, false)?.hint).toMatch(/run it here instead$/);
    expect(reachError('/d', false, true)?.hint).toMatch(/run binfmtctl again$/);
  });
});
