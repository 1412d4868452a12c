import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { isExecutable } from '../file/is-file.ts';

/** Directories of administration tools, some of which the PATH of users often lacks. */
export const USUAL_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The path of a program in PATH or in the usual directories; null if it is not found. */
export function findTool(name: string, environment: NodeJS.ProcessEnv = process.env): string | null {
  const { PATH = '' } = environment;
  // Empty and relative parts of PATH are ignored: system tools are not in the current directory.
  const directories = PATH.split(':').filter((directory) => directory.startsWith('/'));
  const candidates = [...directories, ...USUAL_DIRECTORIES].map((directory) => join(directory, name));
  return candidates.find(isProgram) ?? null;
}

/** As `findTool`, but throws NO_TOOL. `origin` names the package to install, such as `util-linux`. */
export function requireTool(name: string, origin: string): string {
  const path = findTool(name);
  if (path !== null) return path;
  throw new BinfmtctlError('NO_TOOL', `${name} not found`, { hint: `install ${origin}` });
}

/** Whether a path is a regular file that this process may execute. */
export function isProgram(path: string): boolean {
  try {
    // Most candidates do not exist, and an exception takes longer than a failed stat.
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true && isExecutable(path);
  } catch {
    return false;
  }
}
