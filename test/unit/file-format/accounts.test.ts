import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idOf, parseAccounts, parseGroups, parseSubordinateIds } from '../../../src/file-format/accounts.ts';

describe('parseAccounts', () => {
  it('parses name, ids, home and shell of each line', () => {
    expect(parseAccounts('root:x:0:0:root:/root:/bin/bash\n_apt:x:42:65534::/nonexistent:\n')).toEqual([
      { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/bash' },
      { name: '_apt', uid: 42, gid: 65534, home: '/nonexistent', shell: '' },
    ]);
  });

  it.each([
    ['a comment', '# root:x:0:0'],
    ['an empty line', ''],
    ['a line of NIS', '+::::::'],
    ['too few fields', 'a:x:1:1:/home/a:/bin/sh'],
    ['too many fields', 'a:x:1:1::/home/a:/bin/sh:more'],
    ['no name', ':x:1:1::/:'],
    ['an id that is no number', 'a:x:one:1::/:'],
    ['an id below zero', 'a:x:-1:1::/:'],
    ['the id that is none', 'a:x:4294967295:1::/:'],
  ])('ignores %s', (_, line) => {
    expect(parseAccounts(`${line}\nb:x:2:3::/:\n`)).toEqual([
      { name: 'b', uid: 2, gid: 3, home: '/', shell: '' },
    ]);
  });

  it('accepts any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...':\n0a-+#') }), (text) => {
        for (const { name, uid, gid } of parseAccounts(text)) {
          expect(name).not.toBe('');
          expect([uid, gid].every((id) => Number.isSafeInteger(id) && id >= 0)).toBe(true);
        }
      }),
    );
  });
});

describe('parseGroups', () => {
  it('parses name, id and members of each line', () => {
    expect(parseGroups('adm:x:4:a,b\nbad:x:no:\n')).toEqual([{ name: 'adm', gid: 4, members: ['a', 'b'] }]);
  });

  it('returns an empty list without members', () => {
    expect(parseGroups('tty:x:5:\n')).toEqual([{ name: 'tty', gid: 5, members: [] }]);
  });
});

describe('parseSubordinateIds', () => {
  it('parses owner, first id and count, for names and numbers', () => {
    expect(parseSubordinateIds('a:100000:65536\n1000:165536:1\n')).toEqual([
      { owner: 'a', start: 100000, count: 65536 },
      { owner: '1000', start: 165536, count: 1 },
    ]);
  });

  it.each(['a:100000:0', 'a:100000', ':1:1', 'a:x:1', 'a:1:-1', '# a:1:1:'])('ignores %s', (line) => {
    expect(parseSubordinateIds(`${line}\n`)).toEqual([]);
  });
});

describe('idOf', () => {
  it.each([
    ['0', 0],
    ['4294967294', 4294967294],
    ['4294967295', null],
    ['99999999999', null],
    ['', null],
    ['1 ', null],
    ['0x1', null],
    ['1e3', null],
    [undefined, null],
  ])('parses %j as %j', (text, id) => {
    expect(idOf(text)).toBe(id);
  });
});
