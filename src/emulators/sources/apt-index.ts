import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { selectStanzas } from '../../formats/apt.ts';
import { run } from '../../system/process.ts';

const INDEX = /^(.*_Packages)(\.[a-z0-9]+)?$/;
const MAX_INDEX_SIZE = 1024 * 1024 * 1024;

/**
 * Replaces every package index of a folder of apt's lists by one that has the named packages alone, not compressed: apt
 * then answers at once, with all of its rules (versions, pins, releases), instead of reading 60,000 packages.
 */
export async function reduceIndexes(
  lists: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const files = await readdir(lists);
  await Promise.all(
    files.map(async (file) => {
      const [, plain, suffix] = INDEX.exec(file) ?? [];
      if (plain === undefined) return;
      const text = selectStanzas(await readIndex(join(lists, file), suffix, signal), names);
      await rm(join(lists, file));
      if (text !== '') await writeFile(join(lists, plain), text);
    }),
  );
}

async function readIndex(path: string, suffix: string | undefined, signal: AbortSignal): Promise<Uint8Array> {
  if (suffix === undefined) return readFile(path);
  return suffix === '.gz' ? gunzip(await readFile(path)) : decompress(path, signal);
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const [{ promisify }, zlib] = await Promise.all([import('node:util'), import('node:zlib')]);
  // Large chunks: the default of 16 kB takes half as long again.
  return promisify(zlib.gunzip)(bytes, { chunkSize: 1 << 20, maxOutputLength: MAX_INDEX_SIZE });
}

/** apt's own helper knows every compression that apt does. */
async function decompress(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const options = { signal, maxBytes: MAX_INDEX_SIZE };
  const result = await run('/usr/lib/apt/apt-helper', ['cat-file', path], options);
  if (result.exitCode === 0) return result.stdout;
  throw new BinfmtctlError(
    'SOURCE_FAILED',
    `apt: cannot decompress the package list ${path}: ${result.stderr.trim()}`,
    {
      hint: 'is /usr/lib/apt/apt-helper there? `apt-get install --reinstall apt`',
    },
  );
}
