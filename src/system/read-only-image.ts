/** What a container of our image with a read-only root (`docker run --read-only`) lacks: a place to write to. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from './file/file-error.ts';
import { flagsAt, isOnRootMount, mount } from './namespace/mounts.ts';
import { temporaryFolders } from './temporary.ts';

/**
 * Mounts a tmpfs for the store and for probes if the image's root is read-only. It ends with the container. If it cannot be mounted,
 * what needs the place says so.
 */
export async function makeImageWritable(store: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const parent = dirname(store);
  if (existsSync(parent) && isReadOnly(store) && isReadOnly(parent) && isOnRootMount(parent))
    await mountTmpfs(parent);
  if (temporaryFolders().some(isUsable)) return;
  const place = temporaryFolders().find(
    (folder) => existsSync(folder) && isReadOnly(folder) && isOnRootMount(folder) && !holds(folder, store),
  );
  if (place !== undefined) await mountTmpfs(place);
}

const mountTmpfs = (directory: string): Promise<string | null> => mount('tmpfs', directory, ['mode=755']);

/** A mount there would cover the store. */
const holds = (directory: string, store: string): boolean => store.startsWith(`${directory}/`);

/** Whether probes can be put there and run, set-user-ID ones too. */
const isUsable = (directory: string): boolean =>
  existsSync(directory) &&
  !isReadOnly(directory) &&
  !flagsAt(directory).some((flag) => flag === 'noexec' || flag === 'nosuid');

/** A missing file counts as read-only: it cannot be written to before its parent is. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return ['EROFS', 'ENOENT'].includes(errnoOf(error) ?? '');
  }
}
