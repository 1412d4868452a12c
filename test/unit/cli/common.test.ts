import { describe, expect, it } from 'vitest';
import { withLockFiles } from '../../../src/cli/common.ts';

describe('withLockFiles', () => {
  it.each([
    ['install --lock arm64', 'install --lock=binfmtctl.lock arm64'],
    ['install arm64 --locked', 'install arm64 --locked=binfmtctl.lock'],
    ['bundle -o x.tar --locked --all', 'bundle -o x.tar --locked=binfmtctl.lock --all'],
    ['install --locked=ci.lock arm64', 'install --locked=ci.lock arm64'],
    ['install --lock -- --lock', 'install --lock=binfmtctl.lock -- --lock'],
    ['run -- make --lock', 'run -- make --lock'],
    ['run make --lock', 'run make --lock'],
    ['', ''],
  ])('makes of %j %j', (words, expected) => {
    expect(withLockFiles(words.split(' ')).join(' ')).toBe(expected);
  });
});
