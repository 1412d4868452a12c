import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { EnterTools } from '../plan/enter-script.ts';
import type { Tools } from '../plan/setup-script.ts';
import { findTool, requireTool } from '../system/tools.ts';

/** The tools that `run` needs. @throws NO_TOOL. */
export function runTools(): Tools {
  return {
    sh: requireTool('sh', 'a POSIX shell'),
    unshare: requireTool('unshare', 'util-linux'),
    env: requireTool('env', 'coreutils'),
    mount: requireTool('mount', 'util-linux'),
    setpriv: findSetpriv(),
  };
}

/** The tools that `enter` needs. @throws NO_TOOL. */
export function enterTools(): EnterTools {
  return {
    ...runTools(),
    cp: requireTool('cp', 'coreutils'),
    ln: requireTool('ln', 'coreutils'),
    mkdir: requireTool('mkdir', 'coreutils'),
    hostname: findTool('hostname'),
    ip: findTool('ip'),
    setarch: findTool('setarch'),
  };
}

/** That of busybox does not end programs with their parent. */
function findSetpriv(): string | null {
  const path = findTool('setpriv');
  return path === null || basename(realpathSync(path)) === 'busybox' ? null : path;
}
