/**
 * A mutex for an instance. The lock of a store is not enough, because each container has its own store. All of them open the same
 * inode `register`: an instance has one superblock, wherever it is mounted. Only root of its user namespace can open that file, so
 * no other user can hold the lock.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { errnoOf } from '../../system/file/file-error.ts';
import { acquireLock, type LockWaitOptions } from '../../system/lock.ts';
import { openRegisterError } from '../errno.ts';
import { requireMounted } from './instance.ts';

/**
 * Runs `action` while no other binfmtctl, on the host or in a container, changes the entries of the instance.
 *
 * @throws LOCKED, NO_TOOL, INTERRUPTED; NO_BINFMT_MISC, NO_PRIVILEGE, READ_ONLY; what `action` throws.
 */
export async function withInstanceLock<T>(
  directory: string,
  action: () => Promise<T>,
  options: Omit<LockWaitOptions, 'hint'>,
): Promise<T> {
  requireMounted(directory);
  const path = `${directory}/register`;
  const file = open(path, directory);
  try {
    await acquireLock(path, file, {
      ...options,
      hint: 'check with `dmesg` whether a security module forbids it',
    });
    return await action();
  } finally {
    closeSync(file);
  }
}

function open(path: string, directory: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === null ? error : openRegisterError(errno, directory, error);
  }
}
