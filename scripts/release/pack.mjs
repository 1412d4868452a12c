// Packs a directory into a reproducible tar file, which depends only on the names and contents of its files.
import { createReadStream, createWriteStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';

/** `epoch` is the time of all entries, in seconds. */
export async function packFolder(folder, file, epoch) {
  const archive = tar.pack();
  const written = pipeline(archive, createWriteStream(file));
  const names = readdirSync(folder, { recursive: true }).toSorted();
  for (const name of names) {
    const facts = statSync(join(folder, name));
    const header = {
      name,
      mode: facts.isFile() ? 0o644 : 0o755,
      uid: 0,
      gid: 0,
      mtime: new Date(epoch * 1000),
    };
    if (!facts.isFile()) archive.entry({ ...header, type: 'directory' });
    else await pipeline(createReadStream(join(folder, name)), archive.entry({ ...header, size: facts.size }));
  }
  archive.finalize();
  await written;
}
