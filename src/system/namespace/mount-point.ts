/** Temporary mount points. */
import { readdirSync, rmdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../file/file-error.ts';
import { ensureDirectory } from '../file/files.ts';
import { hasEnded, PROCESS_TAG, processTag } from '../process/process-tag.ts';

const MOUNT_POINT = new RegExp(`^mount-(${PROCESS_TAG})-\\w{6}$`);

/**
 * Creates an empty directory in `parent`, passes it to `action` and removes it afterwards. First removes those of killed runs.
 *
 * @throws FILE_FAILED, READ_ONLY, NO_PRIVILEGE.
 */
export async function withMountPoint<T>(
  parent: string,
  action: (directory: string) => Promise<T>,
): Promise<T> {
  await ensureDirectory(parent);
  for (const name of readdirSync(parent)) {
    const tag = MOUNT_POINT.exec(name)?.[1];
    if (tag !== undefined && hasEnded(tag)) removeEmpty(join(parent, name));
  }
  const directory = await mkdtemp(join(parent, `mount-${processTag()}-`)).catch((error: unknown) => {
    throw fileError(error, `create a directory in ${parent}`);
  });
  try {
    return await action(directory);
  } finally {
    removeEmpty(directory);
  }
}

/** Not recursive: a file system may be mounted there. */
function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // The next run tries again.
  }
}
