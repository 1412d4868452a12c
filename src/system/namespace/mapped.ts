/** The door to user namespaces with ids of their own. */
import type { Readable } from 'node:stream';
import { BinfmtctlError } from '../../errors.ts';
import { feed } from '../process/feed.ts';
import { type ProcessOptions, type RunningProcess, type RunResult, start } from '../process/process.ts';
import type { IdMaps } from './id-maps.ts';
import { writeIdMaps } from './write-id-maps.ts';

export interface MappedOptions extends ProcessOptions {
  /** Standard input, read as fast as the program takes it; without it the program reads from an empty one. */
  readonly input?: AsyncIterable<Uint8Array> | undefined;
}

/** Most that is kept of each output. */
const MAX_OUTPUT = 64 * 1024;
/** The shell reads no byte behind the newline (POSIX sh, "read"), and stays the same process when it becomes the program. */
const WAITING = `echo ready; read -r go && exec "$@"`;

/**
 * Runs a program to its end in a new user namespace with these ids; without maps as the caller. Whoever is 0 inside has
 * all rights over what belongs to the ids of the maps, so the caller's own id has to be it.
 *
 * @throws what reading `input` throws, after the program was ended; NO_PRIVILEGE where there can be no such namespace;
 * what `writeIdMaps` throws. How the program ends is a result, as is that it could not be started: status 127 or an errno.
 */
export async function runMapped(
  maps: IdMaps | null,
  file: string,
  args: readonly string[],
  { input, ...options }: MappedOptions = {},
): Promise<RunResult> {
  const child = await (maps === null
    ? start(file, args, options)
    : start('unshare', ['--user', 'sh', '-c', WAITING, 'sh', file, ...args], options));
  const stderr = tailOf(child.stderr);
  try {
    if (maps !== null) await letGo(child, maps, stderr);
    const stdout = tailOf(child.stdout);
    const fed = feed(child, input ?? nothing(), child.kill);
    const result = await child.ended;
    const failed = await fed;
    if (failed !== null) throw failed.error;
    return { ...result, stdout: Buffer.from(stdout()), stderr: stderr() };
  } catch (error) {
    child.kill();
    await child.ended;
    throw error;
  }
}

/** Waits until the namespace is there, gives it its ids, and lets the shell go on. */
async function letGo(child: RunningProcess, maps: IdMaps, stderr: () => string): Promise<void> {
  const ended = await Promise.race([isReady(child.stdout), child.ended]);
  if (ended !== null || child.pid === null) throw noNamespace(ended, stderr());
  await writeIdMaps(child.pid, maps);
  child.stdin.write('\n');
}

/** Settles with null once the shell has said that it is ready; the stream stays paused behind that. */
function isReady(stream: Readable): Promise<null> {
  return new Promise((resolve) => {
    stream.once('data', () => {
      stream.pause();
      resolve(null);
    });
  });
}

function noNamespace(ended: RunResult | null, complaint: string): BinfmtctlError {
  const { errno, exitCode } = ended ?? { errno: 'EAGAIN', exitCode: null };
  const why = errno ?? (complaint.trim().split('\n')[0] || `unshare ended with status ${exitCode}`);
  const isMissing = errno === 'ENOENT';
  return new BinfmtctlError(isMissing ? 'NO_TOOL' : 'NO_PRIVILEGE', `cannot make a user namespace: ${why}`, {
    hint: isMissing ? 'install util-linux' : 'may this user make any, and in this container?',
  });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Keeps the end of what a stream gives, and lets it flow. */
function tailOf(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Uint8Array) => {
    text = `${text}${Buffer.from(chunk).toString()}`.slice(-MAX_OUTPUT);
  });
  stream.resume();
  return () => text;
}
