import { BinfmtctlError } from '../errors.ts';
import { findWeakness } from './trust.ts';

export interface TrustOptions {
  /** Whether another user may own it: one who was named on purpose. Default: root alone. */
  readonly anyOwner?: boolean | undefined;
  /** What the file is used as. Default: `emulator`. */
  readonly as?: 'emulator' | 'bundle' | 'source' | undefined;
}

/**
 * Makes sure that only its owner can change a file. Programs of all users, root's too, run through what root registers.
 *
 * @throws EMULATOR_UNFIT naming what others can change; what lstat throws.
 */
export async function requireTrusted(
  path: string,
  { anyOwner, as = 'emulator' }: TrustOptions = {},
): Promise<void> {
  const weakness = findWeakness(path, { anyOwner });
  if (weakness === null) return;
  const isItself = weakness.path === path;
  const fix = 'copy it to a directory that only root can change';
  const locked = as === 'bundle' ? ', or name its contents with --locked' : '';
  throw new BinfmtctlError(
    'EMULATOR_UNFIT',
    `${path} cannot be the ${as}: ${isItself ? 'it' : weakness.path} ${weakness.why}`,
    { hint: `users who can change it would get root's rights: ${fix}${locked}` },
  );
}
