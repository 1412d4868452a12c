import { readFileSync, statSync } from 'node:fs';
import { BinfmtctlError } from '../errors.ts';
import { type Account, idOf, parseAccounts, parseGroups } from '../file-format/accounts.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { UserIdentity } from './types.ts';

const ROOT: Account = { name: 'root', uid: 0, gid: 0, home: '/root', shell: '' };

/**
 * Looks up `user` in the root's passwd(5) and group(5): `NAME`, `UID`, or either with `:GROUP`. A
 * number needs no entry there. Null means root.
 *
 * @throws USAGE for an unknown name.
 */
export function findIdentity(root: string, user: string | null): UserIdentity {
  const accounts = parseAccounts(textIn(root, '/etc/passwd'));
  const groups = parseGroups(textIn(root, '/etc/group'));
  const [name = '', group, ...rest] = (user ?? '0').split(':');
  if (rest.length > 0) {
    throw new BinfmtctlError('USAGE', `invalid value for --user: ${JSON.stringify(user)}`, {
      hint: 'use NAME or UID, optionally followed by :GROUP',
    });
  }
  const id = idOf(name);
  const known = accounts.find((each) => (id === null ? each.name === name : each.uid === id));
  if (known === undefined && id === null) throw unknown('user', name, root, '/etc/passwd');
  const account = known ?? (id === 0 ? ROOT : { name, uid: id ?? 0, gid: id ?? 0, home: '/', shell: '' });
  if (group !== undefined) {
    const gid = idOf(group) ?? groups.find((each) => each.name === group)?.gid;
    if (gid === undefined) throw unknown('group', group, root, '/etc/group');
    return { ...account, gid, groups: [] };
  }
  const further = groups.filter(({ members }) => members.includes(account.name)).map(({ gid }) => gid);
  return { ...account, groups: further };
}

function textIn(root: string, path: string): string {
  try {
    const file = resolveInRoot(root, path) ?? '';
    // Reading a named pipe would block.
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}

function unknown(kind: 'user' | 'group', name: string, root: string, file: string): BinfmtctlError {
  return new BinfmtctlError('USAGE', `${kind} ${JSON.stringify(name)} not found in ${root}${file}`, {
    hint: 'use a name from that file, or a number',
  });
}
