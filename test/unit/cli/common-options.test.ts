import { describe, expect, it } from 'vitest';
import { withBareOptions } from '../../../src/cli/common-options.ts';

describe('withBareOptions', () => {
  it.each([
    ['install --lock arm64', 'install --lock=binfmtctl.lock arm64'],
    ['install arm64 --locked', 'install arm64 --locked=binfmtctl.lock'],
    ['bundle -o x.tar --locked --all', 'bundle -o x.tar --locked=binfmtctl.lock --all'],
    ['install --locked=ci.lock arm64', 'install --locked=ci.lock arm64'],
    ['install --lock -- --lock', 'install --lock=binfmtctl.lock -- --lock'],
    ['install --credentials arm64', 'install --credentials=always arm64'],
    ['install --credentials=new arm64', 'install --credentials=new arm64'],
    ['run -- make --lock', 'run -- make --lock'],
    ['run make --lock', 'run make --lock'],
    ['', ''],
  ])('makes of %j %j', (words, expected) => {
    expect(withBareOptions(words.split(' ')).join(' ')).toBe(expected);
  });
});
