import { inNamespaces } from '../../system/namespace/namespaces.ts';
import { run } from '../../system/process/process.ts';
import { BINFMT_DIRECTORY } from '../directory.ts';

/** The step at which a user namespace could not be given its own instance, and what the tool said. */
export interface OwnInstanceFailure {
  readonly failed: 'namespaces' | 'instance';
  readonly complaint: string;
}

/** Paths of the tools that set it up. */
export interface OwnInstanceTools {
  readonly sh: string;
  readonly unshare: string;
  readonly mount: string;
}

let tried: Promise<OwnInstanceFailure | null> | undefined;

/**
 * Tries to mount binfmt_misc in new user and mount namespaces, which end at once. Null if that works. Tried only once:
 * Linux 6.7 and later allow it, but so may a backport, and a security module may refuse it.
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
  if (errno !== null) return `unshare cannot be started (${errno})`;
  if (timedOut) return 'the trial mount did not end in time';
  return exitCode === null
    ? `the trial mount was ended by ${signal}`
    : `the trial mount ended with status ${exitCode}`;
}
