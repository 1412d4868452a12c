import { entryNames } from '../../binfmt/entry-file.ts';
import { inspectInstance } from '../../binfmt/instance/instance.ts';
import { unregister } from '../../binfmt/register.ts';
import { isFolder } from '../../system/file/is-file.ts';
import { unmount } from '../../system/namespace/mounts.ts';
import { strerror } from '../../system/strerror.ts';
import { readDatabase } from './database.ts';
import { isRegistered, reasonOf, type Session } from './session.ts';

/** Removes the entries of all installed formats, and unmounts binfmt_misc unless it has other entries. */
export async function disableAll(session: Session): Promise<boolean> {
  const { context, test, print, warn } = session;
  const directory = context.binfmtDirectory;
  if (!isFolder(directory)) return true;
  const { mounted } = inspectInstance(directory);
  const names = [...readDatabase(session).keys()];
  const registered = mounted ? names.filter((name) => isRegistered(session, name)) : [];
  const success = registered.map((name) => disable(session, name)).every(Boolean);
  if (test) {
    print('unload binfmt_misc\n');
    return success;
  }
  // The last unmount removes all entries since Linux 6.7 and in stable kernels with its backport (fs/binfmt_misc.c
  // bm_evict_inode()).
  const others = mounted ? entryNames(directory) : [];
  if (others.length > 0) {
    warn(`${directory} stays mounted: other programs have registered ${others.join(', ')}`);
  } else if (!mounted || (await unmount(directory)) !== null) {
    warn(`Couldn't unmount the binfmt_misc filesystem from ${directory}.`);
  }
  return success;
}

/** Removes one entry. Succeeds if it does not exist. */
export function disable(session: Session, name: string): boolean {
  const { context, test, print, warn } = session;
  if (!inspectInstance(context.binfmtDirectory).mounted || !isRegistered(session, name)) return true;
  if (test) {
    print(`disable ${name}\n`);
    return true;
  }
  const path = `${context.binfmtDirectory}/${name}`;
  try {
    unregister(context.binfmtDirectory, name);
    return true;
  } catch (error) {
    warn(complaintOf(error, name, path));
    return false;
  }
}

/** The message of update-binfmts, also for files that are not entries. Unlike here, it would remove all entries through `status`. */
function complaintOf(error: unknown, name: string, path: string): string {
  if (['', '.', '..'].includes(name)) return `unable to open ${path} for writing: ${strerror('EISDIR')}`;
  if (name === 'register') return `unable to close ${path}: ${strerror('EINVAL')}`;
  const { cause } = error as Error;
  const isOpen = cause instanceof Error && 'syscall' in cause && cause.syscall === 'open';
  return `unable to ${isOpen ? `open ${path} for writing` : `close ${path}`}: ${reasonOf(error)}`;
}
