import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BinfmtctlError, interrupted } from '../../errors.ts';
import { fileError } from '../../system/file/file-error.ts';
import { countStreamed } from '../../system/memory.ts';
import { start } from '../../system/process/process.ts';
import { type PackageStanza, parseStanzas, releaseInName, selectStanzas } from './texts.ts';

const INDEX = /^(.*_Packages)(\.[a-z0-9]+)?$/;
/** Size limit of a decompressed index, in bytes; Debian's have 50 MB. */
const MAX_INDEX = 1024 ** 3;
const MAX_STANZA = 1024 ** 2;
/** Size limit of all selected stanzas, in characters. */
const MAX_KEPT = 8 * 1024 ** 2;
const CHUNK = 1 << 16;
const APT_HELPER = '/usr/lib/apt/apt-helper';

/**
 * Replaces every package index in a directory of apt lists by an uncompressed one with only the named packages. apt
 * then answers at once, with all of its rules (versions, pins, releases), instead of reading 60,000 packages. Indexes
 * are processed one at a time and as streams.
 *
 * @throws SOURCE_FAILED if an index is corrupt or too large; INTERRUPTED.
 */
export async function reduceIndexes(
  lists: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const file of await readdir(lists)) {
    const [, plain, suffix] = INDEX.exec(file) ?? [];
    if (plain === undefined) continue;
    const path = join(lists, file);
    const text = await selectFrom(openIndex(path, suffix, signal), path, names);
    await rm(path);
    if (text !== '') await writeFile(join(lists, plain), text);
  }
}

/** The release whose index, reduced before, has the package: `bookworm`; null where no name of an index tells. */
export async function releaseOf(
  lists: string,
  { name, version }: Pick<PackageStanza, 'name' | 'version'>,
): Promise<string | null> {
  const releases: string[] = [];
  for (const file of (await readdir(lists)).filter((each) => INDEX.test(each))) {
    const release = releaseInName(file);
    const stanzas = parseStanzas(await readFile(join(lists, file), 'utf8'));
    const has = stanzas.some((each) => each.name === name && each.version === version);
    if (release !== null && has) releases.push(release);
  }
  // Updates enter the release itself with its next point release.
  return releases.toSorted((a, b) => a.length - b.length)[0] ?? null;
}

/** Returns the stanzas of the named packages. Searches only complete stanzas, since a chunk can end within one. */
async function selectFrom(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  names: readonly string[],
): Promise<string> {
  // One buffer for all chunks: the garbage collector would free a buffer per chunk too late.
  const buffer = Buffer.allocUnsafeSlow(MAX_STANZA + CHUNK);
  let [size, selected, filled] = [0, '', 0];
  const select = (end: number): void => {
    selected += selectStanzas(buffer.subarray(0, end), names);
    buffer.copyWithin(0, end, filled);
    filled -= end;
  };
  for await (const chunk of bytes) {
    size += chunk.length;
    countStreamed(chunk.length);
    if (size > MAX_INDEX) throw failed(path, `larger than ${MAX_INDEX} bytes`);
    for (let at = 0; at < chunk.length; at += CHUNK) {
      const part = chunk.subarray(at, at + CHUNK);
      buffer.set(part, filled);
      filled += part.length;
      const end = buffer.subarray(0, filled).lastIndexOf('\n\n');
      if (end >= 0) select(end + 2);
      if (filled > MAX_STANZA) throw failed(path, `a stanza is larger than ${MAX_STANZA} bytes`);
      if (selected.length > MAX_KEPT) throw failed(path, `too many stanzas for ${names.join(', ')}`);
    }
  }
  select(filled);
  return selected;
}

function openIndex(path: string, suffix: string | undefined, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (suffix === undefined) return createReadStream(path, { highWaterMark: CHUNK });
  return suffix === '.gz' ? gunzip(path, signal) : decompress(path, signal);
}

async function* gunzip(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { createGunzip } = await import('node:zlib');
  const output = new PassThrough({ highWaterMark: CHUNK });
  const piped = pipeline(createReadStream(path), createGunzip({ chunkSize: CHUNK }), output, { signal });
  // Awaited below. A failure before that also arrives through the output.
  piped.catch(() => {});
  try {
    yield* output as AsyncIterable<Uint8Array>;
    await piped;
  } catch (error) {
    if (signal.aborted) throw interrupted(signal, 'fetching');
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw code.startsWith('Z_') ? failed(path, message) : fileError(error, `read ${path}`);
  } finally {
    output.destroy();
  }
}

/** apt-helper supports every compression that apt does. */
async function* decompress(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const child = await start(APT_HELPER, ['cat-file', path], { signal });
  let complaint = '';
  child.stderr.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const { exitCode, errno } = await child.ended;
    if (signal.aborted) throw interrupted(signal, 'fetching');
    if (exitCode !== 0) throw failed(path, complaint.trim() || (errno ?? `status ${exitCode}`));
  } finally {
    child.kill();
    await child.ended;
  }
}

const failed = (path: string, why: string): BinfmtctlError =>
  new BinfmtctlError('SOURCE_FAILED', `apt: cannot read the package list ${path}: ${why}`, {
    hint: `check the machine's apt sources with \`apt-get update\`, and that ${APT_HELPER} exists, or use --source path:FILE`,
  });
