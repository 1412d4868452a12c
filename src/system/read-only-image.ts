/** Makes containers of binfmtctl's image with a read-only root (`docker run --read-only`) usable. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from './file/file-error.ts';
import { flagsAt, isOnRootMount, mount } from './namespace/mounts.ts';
import { temporaryFolders } from './temporary.ts';

/**
 * Mounts a tmpfs for the store and for probes if the image's root is read-only. It ends with the container. Ignores a failure:
 * later writes report it.
 */
export async function makeImageWritable(store: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const parent = dirname(store);
  if (existsSync(parent) && isReadOnly(store) && isReadOnly(parent) && isOnRootMount(parent))
    await mountTmpfs(parent);
  if (temporaryFolders().some(isUsable)) return;
  const place = temporaryFolders().find(
    (directory) =>
      existsSync(directory) && isReadOnly(directory) && isOnRootMount(directory) && !holds(directory, store),
  );
  if (place !== undefined) await mountTmpfs(place);
}

const mountTmpfs = (directory: string): Promise<string | null> => mount('tmpfs', directory, ['mode=755']);

/** Whether a mount on the directory would hide the store. */
const holds = (directory: string, store: string): boolean => store.startsWith(`${directory}/`);

/** Whether probes, including set-user-ID ones, can be written to the directory and executed. */
const isUsable = (directory: string): boolean =>
  existsSync(directory) &&
  !isReadOnly(directory) &&
  !flagsAt(directory).some((flag) => flag === 'noexec' || flag === 'nosuid');

/** Whether a path is read-only or missing; a missing one depends on its parent. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return ['EROFS', 'ENOENT'].includes(errnoOf(error) ?? '');
  }
}
