import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file-error.ts';
import { readMounts } from '../system/mounts.ts';

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
  const directory = await mkdtemp(join(folder, '.binfmtctl-')).catch(failed);
  try {
    await chmod(directory, 0o755);
    await Promise.all(files.map((file) => writeProgram(directory, file))).catch(failed);
    return await action(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeProgram(directory: string, { name, bytes, setUserId }: WorkspaceFile): Promise<void> {
  const path = join(directory, name);
  await writeFile(path, bytes, { mode: 0o755 });
  if (setUserId === undefined) return;
  await chown(path, setUserId, setUserId);
  await chmod(path, 0o4755);
}

// Set-user-id programs do not work on a nosuid mount, so such a one comes second.
async function executableFolder(): Promise<string> {
  const mounts = await readMounts();
  const folders = [...new Set([tmpdir(), '/tmp', '/var/tmp', '/run', '/var/lib'])];
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
