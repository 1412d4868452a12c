/** The machine's own binfmt_misc, which is given back as it was found. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inInitialUserNamespace } from '../../../src/system/host.ts';

export const BINFMT = '/proc/sys/fs/binfmt_misc';
/** Whatever the image registers is called so. */
const OURS = /^qemu-/;

export interface BorrowedHost {
  readonly mount: () => void;
  /** Removes the entries that were made, one by one, and the mount if it was ours. */
  readonly giveBack: () => void;
}

/** Refuses a machine where the tests would change something of somebody's. */
export function borrowHost(): BorrowedHost {
  if (process.getuid?.() !== 0 || inInitialUserNamespace() !== true)
    throw new Error('the engine tests need root of the machine itself');
  const wasMounted = isMounted();
  const inTheWay = wasMounted ? entryNames().filter((name) => OURS.test(name)) : [];
  if (inTheWay.length > 0)
    throw new Error(
      `this machine has entries that the engine tests would change: ${inTheWay.join(', ')}; uninstall them first`,
    );
  const giveBack = () => {
    if (!isMounted()) return;
    for (const name of entryNames().filter((each) => OURS.test(each)))
      writeFileSync(join(BINFMT, name), '-1');
    if (!wasMounted) execFileSync('umount', [BINFMT]);
  };
  process.once('exit', giveBack);
  return {
    mount: () => void (isMounted() || execFileSync('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT])),
    giveBack,
  };
}

export const entryNames = (): readonly string[] =>
  readdirSync(BINFMT).filter((name) => name !== 'register' && name !== 'status');

/**
 * Whether the instance of the machine is there, because somebody has it mounted, in whatever mount namespace: a new one has
 * files that are as new.
 */
export function isHeldBySomebody(): boolean {
  const began = Date.now();
  const script = 'mount -t binfmt_misc binfmt_misc "$0" && stat --format %.3Z "$0/status"';
  const made = execFileSync('unshare', ['--mount', 'sh', '-c', script, BINFMT], { encoding: 'utf8' });
  return Number(made) * 1000 < began - 50;
}

// An automount point is mounted by being looked at.
function isMounted(): boolean {
  try {
    readdirSync(BINFMT);
  } catch {
    return false;
  }
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(' - binfmt_misc ');
}
