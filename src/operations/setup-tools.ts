import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import type { EnterTools } from '../plan/enter-script.ts';
import type { Tools } from '../plan/setup-script.ts';
import { findTool, requireTool } from '../system/tools.ts';

/** The tools that `run` needs. @throws NO_TOOL. */
export function runTools(): Tools {
  return {
    sh: need('sh', 'a POSIX shell'),
    unshare: need('unshare', 'util-linux'),
    mount: need('mount', 'util-linux'),
    setpriv: findSetpriv(),
  };
}

/** The tools that `enter` needs. @throws NO_TOOL. */
export function enterTools(): EnterTools {
  const tools = runTools();
  const { setpriv } = tools;
  if (setpriv === null)
    throw new BinfmtctlError('NO_TOOL', 'setpriv of util-linux is missing', { hint: 'install util-linux' });
  return {
    ...tools,
    setpriv,
    cp: need('cp', 'coreutils'),
    ln: need('ln', 'coreutils'),
    mkdir: need('mkdir', 'coreutils'),
    nsenter: need('nsenter', 'util-linux'),
    hostname: find('hostname'),
    ip: find('ip'),
    setarch: find('setarch'),
  };
}

/** The programs on PATH may be those of the other machine, where it names folders of a root. */
const find = (name: string): string | null => findTool(name, {}) ?? findTool(name);
const need = (name: string, origin: string): string => find(name) ?? requireTool(name, origin);

/** That of busybox does not end programs with their parent. */
function findSetpriv(): string | null {
  const path = find('setpriv');
  return path === null || basename(realpathSync(path)) === 'busybox' ? null : path;
}
