/** The door to root's rights, for a process that has none. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

type EnvironmentRecord = Readonly<Record<string, string | undefined>>;

export interface RootCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: EnvironmentRecord;
}

export interface RootOptions {
  /** Given each line of standard error as it comes. */
  readonly onLine: (line: string) => void;
  /** Aborted with a signal's name as reason: the program is given that signal, and ended by nothing else. */
  readonly signal: AbortSignal;
}

export interface RanAsRoot {
  /** Null where a signal ended it, or it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  /** Why it could not be started: ENOENT where there is no sudo. */
  readonly errno: string | null;
}

/** What the network and its logins need. */
const PASSED =
  /^(?:BINFMTCTL_\w+|(?:https?|all|no)_proxy|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|DOCKER_CONFIG|REGISTRY_AUTH_FILE)$/i;

/**
 * The command that runs a program with root's rights and little more of the environment than it needs: itself for root, else
 * sudo(8), which is to ask for no password. Variables go by name, so that no list of processes shows what they hold.
 */
export function rootCommand(
  uid: number,
  environment: EnvironmentRecord,
  [file = '', ...args]: readonly string[],
): RootCommand {
  const names = Object.keys(environment).filter((name) => PASSED.test(name));
  const kept = ['PATH', 'HOME', 'LANG', ...names].filter((name) => environment[name] !== undefined);
  const env = Object.fromEntries(kept.map((name) => [name, environment[name]]));
  if (uid === 0) return { file, args, env };
  const preserve = names.length === 0 ? [] : [`--preserve-env=${names.toSorted().join(',')}`];
  return { file: 'sudo', args: ['--non-interactive', ...preserve, '--', file, ...args], env };
}

/** Runs it to its end. Never rejects: that there is no such program is a result. */
export function runAsRoot(
  { file, args, env }: RootCommand,
  { onLine, signal }: RootOptions,
): Promise<RanAsRoot> {
  // sudo passes no signal on that comes from its own process group.
  const child = spawn(file, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  const lines = createInterface({ input: child.stderr }).on('line', onLine);
  const stop = () => {
    if (child.pid !== undefined) signalAsRoot(child.pid, String(signal.reason), env);
  };
  signal.addEventListener('abort', stop);
  return new Promise((resolve) => {
    const end = (status: number | null, errno: string | null) => {
      signal.removeEventListener('abort', stop);
      lines.close();
      resolve({ status, stdout, errno });
    };
    child.once('error', ({ code }: NodeJS.ErrnoException) => end(null, code ?? 'EIO'));
    child.once('close', (status) => end(status, null));
  });
}

/** A process of root's listens to root alone. */
function signalAsRoot(pid: number, name: string, env: EnvironmentRecord): void {
  try {
    process.kill(pid, name);
  } catch {
    const args = ['--non-interactive', 'kill', '-s', name.replace(/^SIG/, ''), String(pid)];
    spawn('sudo', args, { env, detached: true, stdio: 'ignore' }).on('error', () => {});
  }
}
