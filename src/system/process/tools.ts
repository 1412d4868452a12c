import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { isExecutable } from '../file/is-file.ts';

/** Where administration tools are, which the PATH of users often lacks. */
export const USUAL_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The path of a program on PATH or in the usual directories; null where there is none. */
export function findTool(name: string, environment: NodeJS.ProcessEnv = process.env): string | null {
  const { PATH = '' } = environment;
  // An empty or relative part means the current directory, where no tool of the system is.
  const directories = PATH.split(':').filter((directory) => directory.startsWith('/'));
  const candidates = [...directories, ...USUAL_DIRECTORIES].map((directory) => join(directory, name));
  return candidates.find(isProgram) ?? null;
}

/** As `findTool`, with NO_TOOL in place of null; `origin` names what to install: `util-linux`. */
export function requireTool(name: string, origin: string): string {
  const path = findTool(name);
  if (path !== null) return path;
  throw new BinfmtctlError('NO_TOOL', `${name} is missing`, { hint: `install ${origin}` });
}

/** Whether a path is that of a regular file that we may execute. */
export function isProgram(path: string): boolean {
  try {
    // Most candidates are not there, and to throw takes longer than to look.
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true && isExecutable(path);
  } catch {
    return false;
  }
}
