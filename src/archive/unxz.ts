import { corrupt } from '../system/file/integrity.ts';
import { feed } from '../system/process/feed.ts';
import { start } from '../system/process/process.ts';
import { findTool, requireTool } from '../system/process/tools.ts';

/** Level 9 needs 65 MB. Variables, because busybox's xz only supports the options of gzip. */
const XZ_LIMITS = { XZ_DEFAULTS: '--threads=1 --memlimit-decompress=128MiB', XZ_OPT: '' };
const ORIGIN = 'xz-utils (or xz); gzip and zstd archives need no program';

/**
 * Decompresses xz data with xz(1).
 *
 * @throws BAD_PACKAGE for invalid data; NO_TOOL; errors of `bytes`.
 */
export function unxz(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return unpackBy(requireTool('xz', ORIGIN), ['-d', '-c'], bytes, signal);
}

/** Returns the tar archive in a Debian package with xz-compressed data. Uses dpkg-deb if xz is not installed. */
export function unxzPackage(
  file: string,
  data: () => AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const dpkg = findTool('xz') === null ? findTool('dpkg-deb') : null;
  return dpkg === null ? unxz(data(), signal) : unpackBy(dpkg, ['--fsys-tarfile', file], null, signal);
}

/** Decompresses `input`, or the file named in `args`, with a program that writes to its standard output. Throws as `unxz` does. */
export async function* unpackBy(
  tool: string,
  args: readonly string[],
  input: AsyncIterable<Uint8Array> | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const child = await start(tool, args, { signal, env: XZ_LIMITS });
  let complaint = '';
  child.stderr.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  const fed = feed(child, input ?? nothing());
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const { exitCode } = await child.ended;
    const failed = await fed;
    if (failed !== null) throw failed.error;
    const why = complaint.trim().split('\n')[0] || `${tool} exited with status ${exitCode}`;
    if (exitCode !== 0) throw corrupt(`cannot unpack the archive: ${why}`);
  } finally {
    child.kill();
    await Promise.all([fed, child.ended]);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
