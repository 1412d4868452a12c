import { lstat, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BinfmtctlError } from '../errors.ts';

const GROUP_OR_OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Makes sure that only root can change a file: neither it nor a folder above it belongs to, or can be written by,
 * anybody else. Programs of all users, root's too, run through what root registers.
 *
 * @throws EMULATOR_UNFIT naming what others can write.
 */
export async function requireTrusted(path: string): Promise<void> {
  const real = await realpath(path);
  for (let each = real; ; each = dirname(each)) {
    const { mode, uid } = await lstat(each);
    // In a sticky folder (/tmp) others cannot replace what is not theirs.
    const writable = (mode & GROUP_OR_OTHERS_WRITE) !== 0 && !(each !== real && (mode & STICKY) !== 0);
    if (uid !== 0 || writable)
      throw untrusted(path, each, uid === 0 ? 'can be written by others' : `belongs to user ${uid}`);
    if (each === '/') return;
  }
}

function untrusted(path: string, where: string, why: string): BinfmtctlError {
  const what = where === path ? 'it' : where;
  return new BinfmtctlError('EMULATOR_UNFIT', `${path} cannot be the emulator: ${what} ${why}`, {
    hint: `whoever can change it gets root's rights: \`chown root ${where} && chmod go-w ${where}\`, or use --source path:${path}, which keeps a copy`,
  });
}
