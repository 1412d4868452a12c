// A folder as a tar file whose bytes depend on nothing but its files' names and contents.
import { createReadStream, createWriteStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';

/** `epoch`: the time that all of it gets, in seconds. */
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
