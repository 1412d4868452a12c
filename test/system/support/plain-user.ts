/**
 * Users without privileges that exist while the tests of a file run: /etc is covered in the tests' private mount
 * namespace. newuidmap(1) and newgidmap(1) are Debian's, unpacked and set-user-ID root.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { unpackPackages } from '../../../scripts/packages.mjs';
import { temporaryFolder } from './tools.ts';

export const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface PlainUser {
  readonly name: string;
  readonly id: number;
  readonly home: string;
  /** The first of 65536 subordinate ids. */
  readonly subordinate: number | null;
  /** Command prefix to run as this user, with a clean environment. */
  readonly as: readonly string[];
}

/** For the top of a test file: a user with subordinate IDs, and one without. */
export function plainUsers(): { readonly mapped: PlainUser; readonly single: PlainUser } {
  const folder = temporaryFolder('users');
  const etc = join(folder, 'etc');
  const bin = join(folder, 'bin');
  const mapped = user(folder, bin, { name: 'mapped', id: 4242, subordinate: 200_000 });
  const single = user(folder, bin, { name: 'single', id: 4243, subordinate: null });
  beforeAll(() => {
    mkdirSync(etc);
    mkdirSync(bin);
    for (const { home, id } of [mapped, single]) {
      mkdirSync(home, { mode: 0o700 });
      chownSync(home, id, id);
    }
    writeUsers(etc, [mapped, single]);
    installMappers(bin);
    execFileSync('mount', ['-t', 'overlay', 'none', '-o', `lowerdir=${etc}:/etc`, '/etc']);
  });
  afterAll(() => {
    execFileSync('umount', ['-l', '/etc']);
  });
  return { mapped, single };
}

type Named = Pick<PlainUser, 'name' | 'id' | 'subordinate'>;

function user(folder: string, bin: string, named: Named): PlainUser {
  const home = join(folder, named.name);
  const ids = [`--reuid=${named.id}`, `--regid=${named.id}`, '--clear-groups'];
  const variables = [`HOME=${home}`, `USER=${named.name}`, `PATH=${bin}:${USUAL_PATH}`];
  return { ...named, home, as: ['setpriv', ...ids, 'env', '-i', ...variables, 'LANG=C.UTF-8', 'TERM=vt100'] };
}

function writeUsers(etc: string, users: readonly PlainUser[]): void {
  const append = (name: string, lines: readonly string[]): void => {
    const text = readFileSync(join('/etc', name), 'utf8');
    writeFileSync(join(etc, name), [text, ...lines.map((line) => `${line}\n`)].join(''));
  };
  append(
    'passwd',
    users.map(({ name, id, home }) => `${name}:x:${id}:${id}::${home}:/bin/sh`),
  );
  append(
    'group',
    users.map(({ name, id }) => `${name}:x:${id}:`),
  );
  const ranges = users.filter((each) => each.subordinate !== null);
  for (const file of ['subuid', 'subgid'])
    writeFileSync(
      join(etc, file),
      ranges.map(({ name, subordinate }) => `${name}:${subordinate}:65536\n`).join(''),
    );
  // In a container, these are separate mounts, which an overlay lacks.
  for (const file of ['resolv.conf', 'hosts']) copyFileSync(join('/etc', file), join(etc, file));
}

function installMappers(bin: string): void {
  const [uidmap = ''] = unpackPackages('uidmap');
  for (const name of ['newuidmap', 'newgidmap']) {
    copyFileSync(join(uidmap, 'usr/bin', name), join(bin, name));
    chmodSync(join(bin, name), 0o4755);
  }
}
