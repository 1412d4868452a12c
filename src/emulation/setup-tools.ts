import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Tools } from '../system/namespace/setup-script.ts';
import { findTool, requireTool } from '../system/process/tools.ts';

/** The tools that `run` needs. @throws NO_TOOL. */
export function runTools(): Tools {
  return {
    sh: requireSetupTool('sh', 'a POSIX shell'),
    unshare: requireSetupTool('unshare', 'util-linux'),
    mount: requireSetupTool('mount', 'util-linux'),
    setpriv: findSetpriv(),
  };
}

/** Finds a tool, first in the usual directories: PATH may name directories of a foreign root. */
export const findSetupTool = (name: string): string | null => findTool(name, {}) ?? findTool(name);
/** As `findSetupTool`, for a required tool. @throws NO_TOOL with the package `origin`. */
export const requireSetupTool = (name: string, origin: string): string =>
  findSetupTool(name) ?? requireTool(name, origin);

/** setpriv of util-linux: busybox's has no --pdeathsig. */
function findSetpriv(): string | null {
  const path = findSetupTool('setpriv');
  return path === null || basename(realpathSync(path)) === 'busybox' ? null : path;
}
