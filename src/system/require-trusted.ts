import { BinfmtctlError } from '../errors.ts';
import { findWeakness } from './trust.ts';

export interface TrustOptions {
  /** Allows another owner than root, for a file that the user named explicitly. Default: false. */
  readonly anyOwner?: boolean | undefined;
  /** Use of the file, for the message. Default: `emulator`. */
  readonly as?: 'emulator' | 'bundle' | 'source' | undefined;
}

/**
 * Checks that only its owner can change a file. Programs of all users, including root, run through the emulators that root registers.
 *
 * @throws EMULATOR_UNFIT with the file or directory that others can change; the errors of lstat(2).
 */
export async function requireTrusted(
  path: string,
  { anyOwner, as = 'emulator' }: TrustOptions = {},
): Promise<void> {
  const weakness = findWeakness(path, { anyOwner });
  if (weakness === null) return;
  const isItself = weakness.path === path;
  const fix = 'copy it to a directory that only root can change';
  const locked = as === 'bundle' ? ', or pass a lock file with --locked' : '';
  throw new BinfmtctlError(
    'EMULATOR_UNFIT',
    `cannot use ${path} as the ${as}: ${isItself ? 'it' : weakness.path} ${weakness.why}`,
    { hint: `users who can change it would get root's rights: ${fix}${locked}` },
  );
}
