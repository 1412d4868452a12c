import { describe, expect, it } from 'vitest';
import { defaultStore } from '../../../../src/emulators/store/location.ts';

describe('defaultStore', () => {
  it.each([
    ['root', {}, 0, '/var/lib/binfmtctl'],
    ['root with a home', { HOME: '/root', XDG_DATA_HOME: '/x' }, 0, '/var/lib/binfmtctl'],
    ['a user', { HOME: '/home/u' }, 1000, '/home/u/.local/share/binfmtctl'],
    ['a user with XDG_DATA_HOME', { HOME: '/home/u', XDG_DATA_HOME: '/data' }, 1000, '/data/binfmtctl'],
    [
      'a user with a relative XDG_DATA_HOME',
      { HOME: '/home/u', XDG_DATA_HOME: 'data' },
      1000,
      '/home/u/.local/share/binfmtctl',
    ],
    ['a user without home', {}, 1000, '/.local/share/binfmtctl'],
  ])('of %s', (_, environment, uid, expected) => {
    expect(defaultStore(environment, uid)).toBe(expected);
  });
});
