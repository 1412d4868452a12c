import { readFileSync, statSync } from 'node:fs';
import { BinfmtctlError } from '../errors.ts';
import { type Account, idOf, parseAccounts, parseGroups } from '../file-format/accounts.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { UserIdentity } from './types.ts';

const ROOT: Account = { name: 'root', uid: 0, gid: 0, home: '/root', shell: '' };

/**
 * The account of a root that `user` means, by its own passwd(5) and group(5): `NAME`, `UID`, or either with `:GROUP`. A
 * number needs no entry there. Null means root.
 *
 * @throws USAGE for a name that the root does not have.
 */
export function findIdentity(root: string, user: string | null): UserIdentity {
  const accounts = parseAccounts(textIn(root, '/etc/passwd'));
  const groups = parseGroups(textIn(root, '/etc/group'));
  const [name = '', group, ...rest] = (user ?? '0').split(':');
  if (rest.length > 0) {
    throw new BinfmtctlError('USAGE', `no user: ${JSON.stringify(user)}`, {
      hint: '--user takes NAME or UID, also with :GROUP',
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
    // Reading a pipe would not end.
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}

function unknown(kind: 'user' | 'group', name: string, root: string, file: string): BinfmtctlError {
  return new BinfmtctlError('USAGE', `${root} has no ${kind} ${JSON.stringify(name)}`, {
    hint: `its ${file} names them; a number needs no entry there`,
  });
}
