/**
 * The archive in the runner's cache: one file, compressed with gzip. Replaces `internal/tar.js` of @actions/cache
 * (scripts/build-action.mjs), which runs `tar -P`: an archive could then replace any file of the runner's user.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

/** In bytes; a bundle of all emulators takes 140 MB. */
const MAX_SIZE = 1024 ** 3;

let file = '';

/** Names the only file that is read or written. Restoring requires that it does not exist. */
export function exchange(path: string): void {
  file = path;
}

/** @param compression `gzip`, or what the runner's zstd can do; it only decides the name that the library looks for. */
export async function createTar(
  folder: string,
  _paths: readonly string[],
  compression: string,
): Promise<void> {
  const archive = join(folder, compression === 'gzip' ? 'cache.tgz' : 'cache.tzst');
  await pipeline(
    createReadStream(file),
    createGzip({ level: 1 }),
    createWriteStream(archive, { flags: 'wx' }),
  );
}

export async function extractTar(archive: string): Promise<void> {
  const written = createWriteStream(file, { flags: 'wx', mode: 0o600 });
  await pipeline(createReadStream(archive), createGunzip(), atMost(MAX_SIZE), written);
}

export async function listTar(): Promise<void> {}

function atMost(bytes: number): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      left -= chunk.length;
      if (left < 0) done(new Error(`it has more than ${bytes} bytes`));
      else done(null, chunk);
    },
  });
}
