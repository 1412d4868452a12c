import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';

const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
/** include/linux/namei.h MAXSYMLINKS. */
const MAX_LINKS = 40;

export interface TrustOptions {
  /** Whether another user may own it: one who was named on purpose. Default: root alone. */
  readonly anyOwner?: boolean | undefined;
  /** What it is to be. Default: `emulator`. */
  readonly as?: 'emulator' | 'bundle' | 'source' | undefined;
}

/**
 * Makes sure that nobody but its owner can change a file: neither it nor a folder or link on the way to it can be written
 * or replaced by anybody else. Programs of all users, root's too, run through what root registers.
 *
 * @throws EMULATOR_UNFIT naming what others can write; what lstat throws.
 */
export async function requireTrusted(
  path: string,
  { anyOwner = false, as = 'emulator' }: TrustOptions = {},
): Promise<void> {
  const untrusted = (where: string, why: string) => untrustedAs(as, path, where, why);
  let parts = partsOf(path);
  let at = '/';
  for (let links = 0; parts.length > 0; ) {
    const [name = '', ...rest] = parts;
    parts = rest;
    const here = join(at, name);
    const facts = await lstat(here);
    const last = rest.length === 0;
    if (!anyOwner && facts.uid !== 0) throw untrusted(here, `belongs to user ${facts.uid}`);
    if (facts.isSymbolicLink()) {
      if (++links > MAX_LINKS) throw untrusted(here, 'is a link that leads nowhere');
      const target = await readlink(here);
      parts = [...partsOf(target), ...rest];
      if (target.startsWith('/')) at = '/';
      continue;
    }
    // In a sticky folder (/tmp) others cannot replace what is not theirs.
    const sticky = facts.isDirectory() && !last && (facts.mode & STICKY) !== 0;
    if ((facts.mode & GROUP_OR_OTHERS_WRITE) !== 0 && !sticky)
      throw untrusted(here, 'can be written by others');
    at = here;
  }
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

function untrustedAs(as: string, path: string, where: string, why: string): BinfmtctlError {
  const what = where === path ? 'it' : where;
  const another = as === 'bundle' ? 'say with --locked what it has to be' : 'take another';
  return new BinfmtctlError('EMULATOR_UNFIT', `${path} cannot be the ${as}: ${what} ${why}`, {
    hint: `whoever can change it gets root's rights: \`chown root ${where} && chmod go-w ${where}\`, or ${another}`,
  });
}
