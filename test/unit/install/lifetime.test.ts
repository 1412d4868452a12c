import { describe, expect, it } from 'vitest';
import {
  holderWarning,
  lifetimeError,
  otherContainerWarning,
  unseenHolderNote,
} from '../../../src/install/lifetime.ts';

describe('lifetimeError', () => {
  it.each(['machine', 'unseen', 'process', 'hidden'] as const)(
    'accepts an instance with the holder: %s',
    (holder) => {
      expect(lifetimeError('/d', holder, { inImage: true })).toBeNull();
    },
  );

  it.each([
    ['none', /only this mount namespace holds binfmt_misc/],
    [
      'unknown',
      /^cannot register lasting entries at \/d: cannot determine .*: its files are dated in the future$/,
    ],
  ] as const)('refuses an instance with the holder %j, with the reason', (holder, reason) => {
    const error = lifetimeError('/d', holder, { inImage: true });
    expect(error).toMatchObject({ code: 'NO_BINFMT_MISC', message: expect.stringMatching(reason) });
    expect(error?.hint).toMatch(/^on the host, as root: `mount -t binfmt_misc binfmt_misc \/d`/);
  });

  it('suggests short-lived entries only outside of the image', () => {
    expect(lifetimeError('/d', 'none', { inImage: false })?.hint).toMatch(
      /run that mount command here instead$/,
    );
    expect(lifetimeError('/d', 'none', { inImage: true })?.hint).toMatch(/run binfmtctl again$/);
  });
});

describe('holderWarning', () => {
  const process = { kind: 'process', pid: '7', name: 'catatonit' } as const;

  it('names the process with which the entries end, and a command to keep them', () => {
    expect(holderWarning('/d', { ...process, others: 'known' })).toMatch(
      /^binfmt_misc is not mounted on the host: .* process 7 \(catatonit\); on the host, as root: `mountpoint -q \/d \|\| mount /,
    );
  });

  it('does not mention the host if its mounts cannot be seen', () => {
    const text = holderWarning('/d', { ...process, others: 'unseen' });
    expect(text).toMatch(/^binfmt_misc was not mounted when this command started: .* process 7/);
  });

  it('says that no process was found in the mount namespace with which the entries end', () => {
    expect(holderWarning('/d', { kind: 'hidden' })).toMatch(
      /not mounted on the host: .* no process was found/,
    );
  });
});

describe('an instance whose holder cannot be seen', () => {
  it("is not claimed to be the host's", () => {
    expect(unseenHolderNote('/d')).toMatch(/ if the host has mounted binfmt_misc, .* `mountpoint \/d`$/);
  });

  it('is known to come from a container that marked it', () => {
    expect(otherContainerWarning('/d')).toMatch(
      /^another container mounted binfmt_misc first: .* `mountpoint/,
    );
  });
});
