/** Runs programs in user namespaces with ID maps. */
import type { Readable } from 'node:stream';
import { BinfmtctlError } from '../../errors.ts';
import { feed } from '../process/feed.ts';
import { type ProcessOptions, type RunningProcess, type RunResult, start } from '../process/process.ts';
import type { IdMaps } from './id-maps.ts';
import { writeIdMaps } from './write-id-maps.ts';

export interface MappedOptions extends ProcessOptions {
  /** Standard input, read as fast as the program consumes it. Default: empty. */
  readonly input?: AsyncIterable<Uint8Array> | undefined;
}

/** Limit of the stored end of each output. */
const MAX_OUTPUT = 64 * 1024;
/** The shell reads no byte after the newline (POSIX sh, "read"), and exec keeps its process. */
const WAITING = `echo ready; read -r go && exec "$@"`;

/**
 * Runs a program in a new user namespace with these ID maps, or as the caller if they are null, and waits for it. Root inside
 * controls the files of all mapped IDs, so the maps must map the caller's own ID to root.
 *
 * The result tells how the program ended, or why it could not be started: status 127 or an errno.
 *
 * @throws the errors of `input`, after the program was killed; NO_PRIVILEGE if the namespace cannot be created; the errors of
 * `writeIdMaps`.
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
    if (maps !== null) await mapAndContinue(child, maps, stderr);
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

/** Waits until the namespace exists, writes its maps, and lets the shell continue. */
async function mapAndContinue(child: RunningProcess, maps: IdMaps, stderr: () => string): Promise<void> {
  const ended = await Promise.race([isReady(child.stdout), child.ended]);
  if (ended !== null || child.pid === null) throw noNamespace(ended, stderr());
  await writeIdMaps(child.pid, maps);
  child.stdin.write('\n');
}

/** Resolves to null once the shell reports that it is ready. Leaves the stream paused. */
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
  return new BinfmtctlError(
    isMissing ? 'NO_TOOL' : 'NO_PRIVILEGE',
    `cannot create a user namespace: ${why}`,
    {
      hint: isMissing
        ? 'install util-linux'
        : 'check that this user may create user namespaces: `unshare --user true`',
    },
  );
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Reads a stream and stores its end. */
function tailOf(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Uint8Array) => {
    text = `${text}${Buffer.from(chunk).toString()}`.slice(-MAX_OUTPUT);
  });
  stream.resume();
  return () => text;
}
