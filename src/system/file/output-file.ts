/** Output files that a user names. Pipes and devices are written to and never replaced. */
import { constants, fstatSync, lstatSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BinfmtctlError, interrupted } from '../../errors.ts';
import { removeLeftovers } from '../temporary.ts';
import { errnoOf, fileError } from './file-error.ts';
import { kindOf } from './file-kind.ts';
import { type FileData, type WriteOptions, writeAtomic } from './write-file.ts';

/** `file`: a regular file, which may not exist yet. `stream`: a device, a pipe or an inherited descriptor. */
export type OutputKind = 'file' | 'stream';

const POLL_MS = 50;

/**
 * How to write to `path`.
 *
 * @throws FILE_FAILED for a symbolic link, a directory and a socket; NO_PRIVILEGE.
 */
export function outputKind(path: string): OutputKind {
  if (descriptorOf(path) !== null) return 'stream';
  const facts = tryLstat(path);
  if (facts === undefined || facts.isFile()) return 'file';
  if (facts.isFIFO() || facts.isCharacterDevice() || facts.isBlockDevice()) return 'stream';
  const hint = facts.isSymbolicLink() ? 'pass the target of the link' : 'pass the path of a file';
  throw new BinfmtctlError('FILE_FAILED', `cannot write ${path}: it is ${kindOf(facts)}`, { hint });
}

/** Whether `path` is standard output, where nothing else may be printed then. */
export const isStandardOutput = (path: string): boolean => descriptorOf(path) === 1;

/** Writes an output: a regular file with `writeAtomic`, anything else as a stream. Throws the errors of `outputKind`. */
export async function writeOutput(
  path: string,
  data: FileData,
  { signal, ...options }: WriteOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  if (outputKind(path) === 'file') {
    removeLeftovers([dirname(path)]);
    return writeAtomic(path, data, options);
  }
  try {
    await using file = await openStream(path, signal);
    for await (const part of typeof data === 'string' || data instanceof Uint8Array ? [data] : data)
      await file.writeFile(part);
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
}

/** Waits for a reader of a named pipe until the signal is aborted. */
async function openStream(path: string, signal: AbortSignal | undefined): Promise<FileHandle> {
  const descriptor = descriptorOf(path);
  // Opens a new description of the same file: the inherited one may be non-blocking and at another position.
  if (descriptor !== null) {
    const append = fstatSync(descriptor).isFile() ? constants.O_APPEND : 0;
    return open(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | append);
  }
  for (;;) {
    try {
      // Stays open until the blocking descriptor is open; otherwise the reader would see an end of file.
      await using _ = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      return await open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (errnoOf(error) !== 'ENXIO' || tryLstat(path)?.isFIFO() !== true) throw error;
      if (signal?.aborted) throw interrupted(signal, `waiting for a reader of ${path}`);
      await wait(POLL_MS);
    }
  }
}

/** The number of the descriptor in a path such as `/dev/stdout` or `/dev/fd/3`; null for other paths. */
function descriptorOf(path: string): number | null {
  const descriptor = { '/dev/stdin': 0, '/dev/stdout': 1, '/dev/stderr': 2 }[path];
  const digits = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)?.[1];
  return descriptor ?? (digits === undefined ? null : Number(digits));
}

function tryLstat(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(error, `write ${path}`);
  }
}
