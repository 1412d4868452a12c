/** Runs commands as root, with sudo if necessary. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

type EnvironmentRecord = Readonly<Record<string, string | undefined>>;

export interface RootCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: EnvironmentRecord;
}

export interface RootOptions {
  /** Called with each line of standard error. */
  readonly onLine: (line: string) => void;
  /** Aborted with a signal's name as reason. The program receives that signal, and is not killed otherwise. */
  readonly signal: AbortSignal;
}

export interface RanAsRoot {
  /** Null if a signal killed the program or it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  /** Why the program could not be started: ENOENT without sudo. */
  readonly errno: string | null;
}

/** Variables for network access and credentials. */
const PASSED =
  /^(?:BINFMTCTL_\w+|(?:https?|all|no)_proxy|SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|DOCKER_CONFIG|REGISTRY_AUTH_FILE)$/i;

/**
 * The command that runs a program as root with a minimal environment: the program itself for root, otherwise sudo(8), which must
 * not ask for a password. Passes variables by name, so that process lists do not show their values.
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

/** Runs a command and waits for it. Never rejects: a missing program is a result. */
export function runAsRoot(
  { file, args, env }: RootCommand,
  { onLine, signal }: RootOptions,
): Promise<RanAsRoot> {
  // Detached, because sudo does not forward signals from its own process group.
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

/** Signals a process that may belong to root, with sudo if necessary. */
function signalAsRoot(pid: number, name: string, env: EnvironmentRecord): void {
  try {
    process.kill(pid, name);
  } catch {
    const args = ['--non-interactive', 'kill', '-s', name.replace(/^SIG/, ''), String(pid)];
    spawn('sudo', args, { env, detached: true, stdio: 'ignore' }).on('error', () => {});
  }
}
