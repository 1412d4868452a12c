import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';
import { BinfmtctlError } from '../errors.ts';
import {
  type BundledEmulator,
  type BundleManifest,
  encodeManifest,
  MANIFEST,
} from '../file-format/bundle.ts';

/**
 * Writes a bundle. The same emulators give the same bytes: entries are sorted by guest, owned by root and dated 1970.
 *
 * @param pathOf returns the path of an emulator's file
 * @throws EMULATOR_UNFIT if a file does not match the manifest; Node's error if it cannot be read.
 */
export async function* packBundle(
  { host, emulators }: BundleManifest,
  pathOf: (emulator: BundledEmulator) => string,
): AsyncGenerator<Uint8Array> {
  const { pack } = await import('tar-stream');
  const archive = pack();
  const ordered = emulators.toSorted((a, b) => (a.guest < b.guest ? -1 : 1));
  const filled = fill(archive, { host, emulators: ordered }, pathOf).catch((problem: Error) =>
    archive.destroy(problem),
  );
  yield* archive as AsyncIterable<Uint8Array>;
  await filled;
}

async function fill(
  archive: Pack,
  manifest: BundleManifest,
  pathOf: (emulator: BundledEmulator) => string,
): Promise<void> {
  const text = Buffer.from(encodeManifest(manifest));
  await add(archive, { name: MANIFEST, size: text.length, mode: 0o644 }, [text]);
  for (const emulator of manifest.emulators) {
    const { file: name, size } = emulator;
    await add(archive, { name, size, mode: 0o755 }, verified(pathOf(emulator), emulator));
  }
  archive.finalize();
}

function add(
  archive: Pack,
  header: { readonly name: string; readonly size: number; readonly mode: number },
  bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const entry = archive.entry({ ...header, type: 'file', uid: 0, gid: 0, mtime: new Date(0) });
  return pipeline(Readable.from(bytes), entry);
}

/** Streams a file. Throws EMULATOR_UNFIT at its end if it does not match the manifest. */
async function* verified(path: string, { sha256, size }: BundledEmulator): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let read = 0;
  for await (const part of createReadStream(path, { highWaterMark: 1 << 18 })) {
    hash.update(part);
    read += part.length;
    if (read > size) break;
    yield part;
  }
  if (read === size && hash.digest('hex') === sha256) return;
  throw new BinfmtctlError('EMULATOR_UNFIT', `${path} has changed since it was inspected`, {
    hint: 'try again when no other program writes to the file',
  });
}
