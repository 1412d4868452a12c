import { inNamespaces } from '../../system/namespace/namespaces.ts';
import { run } from '../../system/process/process.ts';
import { BINFMT_DIRECTORY } from '../directory.ts';

/** The step at which mounting an instance in a user namespace failed, and the tool's error. */
export interface OwnInstanceFailure {
  readonly failed: 'namespaces' | 'instance';
  readonly complaint: string;
}

/** Paths of the required tools. */
export interface OwnInstanceTools {
  readonly sh: string;
  readonly unshare: string;
  readonly mount: string;
}

let tried: Promise<OwnInstanceFailure | null> | undefined;

/**
 * Tries to mount binfmt_misc in new user and mount namespaces, which end immediately. Null on success. The kernel version does not
 * tell: Linux 6.7 and later allow it, but so do backports, and security modules may forbid it. Runs only once per process.
 */
export function tryOwnInstance(tools: OwnInstanceTools): Promise<OwnInstanceFailure | null> {
  tried ??= attempt(tools);
  return tried;
}

async function attempt({ sh, unshare, mount }: OwnInstanceTools) {
  const script = 'echo namespaces; exec "$@"';
  const mounting = [mount, '-n', '-t', 'binfmt_misc', 'binfmt_misc', BINFMT_DIRECTORY];
  const [, ...args] = inNamespaces({ user: true, mount: true }, [sh, '-c', script, sh, ...mounting]);
  const ran = await run(unshare, args, { env: { LC_ALL: 'C' }, timeoutMs: 30_000 });
  if (ran.exitCode === 0) return null;
  const failed = ran.stdout.length === 0 ? 'namespaces' : 'instance';
  return { failed, complaint: ran.stderr.trim() || endingOf(ran) } as const;
}

function endingOf({ errno, exitCode, signal, timedOut }: Awaited<ReturnType<typeof run>>): string {
  if (errno !== null) return `cannot start unshare (${errno})`;
  if (timedOut) return 'the trial mount timed out';
  return exitCode === null
    ? `the trial mount was killed by ${signal}`
    : `the trial mount exited with status ${exitCode}`;
}
