import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file/file-error.ts';
import { readMounts } from '../system/namespace/mounts.ts';
import { makeTemporaryDirectory, removeLeftovers, temporaryFolders } from '../system/temporary.ts';

/** A program to write into a workspace. */
export interface WorkspaceFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Owner of a set-user-ID program; undefined for a plain one. */
  readonly setUserId?: number | undefined;
}

/**
 * Creates a directory with executable programs, calls `action` with it, and removes it. The directory is in `parent`,
 * by default the first of the usual temporary directories that is writable and not mounted noexec.
 *
 * @throws FILE_FAILED, READ_ONLY or NO_PRIVILEGE if there is no such directory, or the disk is full.
 */
export async function withWorkspace<T>(
  files: readonly WorkspaceFile[],
  action: (directory: string) => Promise<T>,
  parent?: string,
): Promise<T> {
  if (parent !== undefined) removeLeftovers([parent]);
  const fill = async (directory: string): Promise<void> => {
    // Uses a descriptor, because another user of `parent` could replace the directory by a link.
    await using handle = await open(directory, constants.O_DIRECTORY | constants.O_NOFOLLOW);
    if ((await handle.stat()).uid !== process.geteuid?.())
      throw new BinfmtctlError('FILE_FAILED', `another user replaced ${directory}`, {
        hint: 'choose a directory that other users cannot change',
      });
    await handle.chmod(0o755);
    await Promise.all(files.map((file) => writeProgram(handle, file)));
  };
  const directory = parent === undefined ? await makeExecutableDirectory() : await makeIn(parent);
  try {
    await fill(directory).catch((error: unknown) => {
      throw writeError(error, dirname(directory));
    });
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const writeError = (error: unknown, path: string): BinfmtctlError =>
  fileError(error, `write probes to ${path}`);

const makeIn = (parent: string): Promise<string> =>
  makeTemporaryDirectory(parent).catch((error: unknown) => {
    throw writeError(error, parent);
  });

async function writeProgram(directory: FileHandle, { name, bytes, setUserId }: WorkspaceFile): Promise<void> {
  await using file = await open(`/proc/self/fd/${directory.fd}/${name}`, 'wx', 0o755);
  await file.writeFile(bytes);
  if (setUserId !== undefined) await file.chown(setUserId, setUserId);
  await file.chmod(setUserId === undefined ? 0o755 : 0o4755);
}

/** Creates a directory in the first suitable temporary directory. */
async function makeExecutableDirectory(): Promise<string> {
  const problems: string[] = [];
  for (const { path, isNoExec } of temporaryDirectories()) {
    if (isNoExec) {
      problems.push(`${path} is mounted noexec`);
      continue;
    }
    try {
      return await makeIn(path);
    } catch (error) {
      if (!(error instanceof BinfmtctlError)) throw error;
      problems.push(error.message);
    }
  }
  throw new BinfmtctlError('FILE_FAILED', `no directory for probes: ${problems.join('; ')}`, {
    hint: 'set TMPDIR to a writable directory on a file system mounted without noexec',
  });
}

/** Temporary directories; nosuid mounts come last, as set-user-ID programs do not work there. */
function temporaryDirectories(): readonly { readonly path: string; readonly isNoExec: boolean }[] {
  const mounts = readMounts();
  const folders = temporaryFolders().map((path) => {
    const options = mountOf(path, mounts)?.options ?? [];
    return { path, isNoExec: options.includes('noexec'), isNoSuid: options.includes('nosuid') };
  });
  return folders.toSorted((a, b) => Number(a.isNoSuid) - Number(b.isNoSuid));
}

function mountOf<T extends { readonly mountPoint: string }>(
  path: string,
  mounts: readonly T[],
): T | undefined {
  const above = mounts.filter(({ mountPoint }) =>
    `${path}/`.startsWith(mountPoint.endsWith('/') ? mountPoint : `${mountPoint}/`),
  );
  return above.toSorted((a, b) => b.mountPoint.length - a.mountPoint.length)[0];
}
