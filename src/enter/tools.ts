import { findSetupTool, requireSetupTool, runTools } from '../emulation/setup-tools.ts';
import { BinfmtctlError } from '../errors.ts';
import type { EnterTools } from './script/enter-script.ts';

/** The tools that `enter` needs. @throws NO_TOOL. */
export function enterTools(): EnterTools {
  const tools = runTools();
  const { setpriv } = tools;
  if (setpriv === null)
    throw new BinfmtctlError('NO_TOOL', 'setpriv of util-linux not found', { hint: 'install util-linux' });
  return {
    ...tools,
    setpriv,
    cp: requireSetupTool('cp', 'coreutils'),
    ln: requireSetupTool('ln', 'coreutils'),
    mkdir: requireSetupTool('mkdir', 'coreutils'),
    nsenter: requireSetupTool('nsenter', 'util-linux'),
    hostname: findSetupTool('hostname'),
    ip: findSetupTool('ip'),
    setarch: findSetupTool('setarch'),
  };
}
