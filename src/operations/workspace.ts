import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file-error.ts';
import { readMounts } from '../system/mounts.ts';
import { removeLeftovers, temporaryFolders, withTemporaryDirectory } from '../system/temporary.ts';

/** A program to be put into a workspace. */
export interface WorkspaceFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Owner of a set-user-id program; absent for a plain one. */
  readonly setUserId?: number | undefined;
}

/**
 * Puts programs into a new folder that lets them be executed, hands it to `action`, and removes it afterwards.
 * `parent` names where the folder is to be; else the first of the usual temporary folders that is not mounted noexec.
 *
 * @throws FILE_FAILED, READ_ONLY or NO_PRIVILEGE where there is no such folder, or it is full.
 */
export async function withWorkspace<T>(
  files: readonly WorkspaceFile[],
  action: (directory: string) => Promise<T>,
  parent?: string,
): Promise<T> {
  const folder = parent ?? (await executableFolder());
  const failed = (error: unknown): never => {
    throw fileError(error, `put probes into ${folder}`);
  };
  if (parent !== undefined) removeLeftovers([parent]);
  const fill = async (directory: string): Promise<void> => {
    // By descriptor: another user of `parent` could replace the directory with a link.
    await using handle = await open(directory, constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if ((await handle.stat()).uid !== process.geteuid?.())
      throw new BinfmtctlError('FILE_FAILED', `another user replaced ${directory}`, {
        hint: 'choose a directory that other users cannot change',
      });
    await handle.chmod(0o755);
    await Promise.all(files.map((file) => writeProgram(handle, file)));
  };
  let made = false;
  const work = async (directory: string): Promise<T> => {
    await fill(directory).catch(failed);
    made = true;
    return action(directory);
  };
  return withTemporaryDirectory(work, folder).catch((error: unknown) =>
    made ? raise(error) : failed(error),
  );
}

const raise = (error: unknown): never => {
  throw error;
};

async function writeProgram(directory: FileHandle, { name, bytes, setUserId }: WorkspaceFile): Promise<void> {
  await using file = await open(`/proc/self/fd/${directory.fd}/${name}`, 'wx', 0o755);
  await file.writeFile(bytes);
  if (setUserId !== undefined) await file.chown(setUserId, setUserId);
  await file.chmod(setUserId === undefined ? 0o755 : 0o4755);
}

// Set-user-id programs do not work on a nosuid mount, so such a one comes second.
async function executableFolder(): Promise<string> {
  const mounts = await readMounts();
  const folders = temporaryFolders();
  const options = folders.map((folder) => mountOf(folder, mounts)?.options ?? []);
  const usable = folders.filter((_, index) => !options[index]?.includes('noexec'));
  const best = usable.find((folder) => !options[folders.indexOf(folder)]?.includes('nosuid')) ?? usable[0];
  if (best !== undefined) return best;
  throw new BinfmtctlError('FILE_FAILED', `no folder for probes: ${folders.join(', ')} are mounted noexec`, {
    hint: 'set TMPDIR to a folder where programs may be executed',
  });
}

function mountOf<T extends { readonly mountPoint: string }>(
  folder: string,
  mounts: readonly T[],
): T | undefined {
  const above = mounts.filter(({ mountPoint }) =>
    `${folder}/`.startsWith(mountPoint.endsWith('/') ? mountPoint : `${mountPoint}/`),
  );
  return above.toSorted((a, b) => b.mountPoint.length - a.mountPoint.length)[0];
}
