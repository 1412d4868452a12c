import { corrupt } from '../system/file/integrity.ts';
import { feed } from '../system/process/feed.ts';
import { start } from '../system/process/process.ts';
import { findTool, requireTool } from '../system/process/tools.ts';

/** Memory that xz may need: level 9 needs 65 MB. Said by variables, as busybox's xz knows no options but those of gzip. */
const XZ_LIMITS = { XZ_DEFAULTS: '--threads=1 --memlimit-decompress=128MiB', XZ_OPT: '' };
const ORIGIN = 'xz-utils, or xz where that is its name; what is packed by gzip or zstd needs no program';

/**
 * The bytes of what xz has compressed, unpacked by xz(1).
 *
 * @throws BAD_PACKAGE for what cannot be unpacked; NO_TOOL; what reading `bytes` throws.
 */
export function unxz(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  return unpackBy(requireTool('xz', ORIGIN), ['-d', '-c'], bytes, signal);
}

/** The tar archive in a Debian package whose data is compressed by xz: dpkg brings that along where xz is missing. */
export function unxzPackage(
  file: string,
  data: () => AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const dpkg = findTool('xz') === null ? findTool('dpkg-deb') : null;
  return dpkg === null ? unxz(data(), signal) : unpackBy(dpkg, ['--fsys-tarfile', file], null, signal);
}

/** The bytes that a program writes which unpacks `input`, or what its arguments name. Throws as `unxz` does. */
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
    const why = complaint.trim().split('\n')[0] || `${tool} ended with status ${exitCode}`;
    if (exitCode !== 0) throw corrupt(`an archive cannot be unpacked: ${why}`);
  } finally {
    child.kill();
    await Promise.all([fed, child.ended]);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
