import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { findIdentity } from '../../src/enter/identity.ts';
import { temporaryFolder } from './fixtures/temporary.ts';

const folder = temporaryFolder();
const PASSWD = [
  'root:x:0:0:root:/root:/bin/bash',
  'toor:x:0:0::/toor:/bin/sh',
  'dev:x:1000:1000::/home/dev:/bin/zsh',
  '33:x:1033:1033::/odd:',
  '',
];
const GROUP = ['root:x:0:', 'adm:x:4:dev,other', 'audio:x:29:dev', 'dev:x:1000:', 'staff:x:50:root', ''];

beforeAll(() => {
  mkdirSync(folder('full/etc'), { recursive: true });
  writeFileSync(folder('full/etc/passwd'), PASSWD.join('\n'));
  writeFileSync(folder('full/etc/group'), GROUP.join('\n'));
  mkdirSync(folder('bare'));
  mkdirSync(folder('outward/etc'), { recursive: true });
  symlinkSync('/etc/passwd', folder('outward/etc/passwd'));
  symlinkSync('../../full/etc/group', folder('outward/etc/group'));
});

const identity = (user: string | null, root = 'full') => findIdentity(folder(root), user);
const root = { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/bash', groups: [50] };

describe('findIdentity', () => {
  it("is the tree's root without a name, with its groups", () => {
    expect(identity(null)).toEqual(root);
  });

  it('reads no pipe in place of a file, which would block', () => {
    mkdirSync(folder('piped/etc'), { recursive: true });
    execFileSync('mkfifo', [folder('piped/etc/passwd'), folder('piped/etc/group')]);
    expect(identity(null, 'piped')).toMatchObject({ name: 'root', home: '/root' });
  });

  it.each(['root', '0', '00'])('finds root as %s', (user) => {
    expect(identity(user)).toEqual(root);
  });

  it.each(['dev', '1000'])('finds an account by %s, with all its groups', (user) => {
    expect(identity(user)).toEqual({
      name: 'dev',
      uid: 1000,
      gid: 1000,
      home: '/home/dev',
      shell: '/bin/zsh',
      groups: [4, 29],
    });
  });

  it.each([
    ['dev:adm', 4],
    ['dev:4', 4],
    ['1000:12345', 12345],
    ['dev:dev', 1000],
  ])('has only the named group of %s', (user, gid) => {
    expect(identity(user)).toMatchObject({ uid: 1000, gid, groups: [] });
  });

  it('needs no entry for a number', () => {
    expect(identity('777')).toEqual({ name: '777', uid: 777, gid: 777, home: '/', shell: '', groups: [] });
    expect(identity('777:8')).toMatchObject({ uid: 777, gid: 8 });
  });

  it('reads a number as an ID, not as a name', () => {
    expect(identity('33').uid).toBe(33);
  });

  it('knows only root in a tree without accounts', () => {
    expect(identity(null, 'bare')).toEqual({ ...root, shell: '', groups: [] });
    expect(() => identity('dev', 'bare')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('reads no file outside of the tree', () => {
    expect(identity(null, 'outward')).toEqual({ ...root, shell: '', groups: [] });
    expect(() => identity('0:adm', 'outward')).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it.each([
    ['nobody', 'user "nobody"'],
    ['', 'user ""'],
    [':adm', 'user ""'],
    ['-1', 'user "-1"'],
    ['4294967295', 'user "4294967295"'],
    ['dev:nobody', 'group "nobody"'],
    ['dev:', 'group ""'],
    ['dev:-1', 'group "-1"'],
  ])('refuses %j', (user, what) => {
    expect(() => identity(user)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: `${what} not found in ${folder('full')}/etc/${what.startsWith('user') ? 'passwd' : 'group'}`,
        hint: expect.stringContaining('a number'),
      }),
    );
  });

  it('refuses a second group', () => {
    expect(() => identity('dev:adm:audio')).toThrow(/invalid value for --user: "dev:adm:audio"/);
  });
});
