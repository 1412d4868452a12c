import { BinfmtctlError, isBinfmtctlError } from '../errors.ts';
import { isOurImage } from '../system/host.ts';
import { findTool } from '../system/process/tools.ts';
import { commandLine } from '../text/shell.ts';
import { commandFirst } from './grammar/common.ts';
import { withoutSameOptions } from './store-options.ts';

/**
 * Runs an action that changes entries. If it lacks the rights and the user is not root, the failure says so, and names the
 * command that works: only here it is known what the user typed.
 *
 * @param what is what it does, as in `register qemu-aarch64`; called only for a failure
 */
export async function asRoot<T>(what: () => string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (failure) {
    if (!isBinfmtctlError(failure) || failure.code !== 'NO_PRIVILEGE') throw failure;
    // The image has neither sudo nor npx, and as root the reason is another one.
    if (process.geteuid?.() === 0 || isOurImage()) throw failure;
    // It already says what only root can do.
    if (failure.hint?.includes('sudo binfmtctl')) throw failure;
    const line = process.argv.slice(2);
    const isInstall = commandFirst(line)?.[0] === 'install';
    throw new BinfmtctlError('NO_PRIVILEGE', `cannot ${what()}: root is required`, {
      hint: `${rootCommand(line)}${isInstall ? WITHOUT_ROOT : ''}`,
      cause: failure,
    });
  }
}

const WITHOUT_ROOT = '; without root, `binfmtctl run` and `binfmtctl enter` work';

/** The command that was typed, as root, in the way in which it was started. */
function rootCommand(line: readonly string[]): string {
  const [command = '', ...rest] = commandFirst(line) ?? [];
  const started = isStartedByNpm(process.env) ? ['npx', 'binfmtctl'] : ['binfmtctl'];
  const words = [...started, command, ...withoutSameOptions(rest)];
  return findTool('sudo') === null
    ? `as root, run \`${commandLine(words)}\``
    : `run \`${commandLine(['sudo', ...words])}\``;
}

/** npm puts the command on the PATH of npx and of scripts alone. */
const isStartedByNpm = ({ npm_command }: NodeJS.ProcessEnv): boolean =>
  npm_command === 'exec' || npm_command === 'run-script';
