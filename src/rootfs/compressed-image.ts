/** Recognizes compressed disk images, which cannot be mounted without unpacking them. */
import { BinfmtctlError } from '../errors.ts';
import { commandLine } from '../text/shell.ts';
import { readDiskImage } from './disk-image.ts';

/** Magic number, program, its suffix, and the option that keeps the compressed file (null: that is the default). */
const PROGRAMS = [
  { magic: 'fd377a585a00', tool: 'xz', suffix: '.xz', keep: '-k' },
  { magic: '1f8b', tool: 'gzip', suffix: '.gz', keep: '-k' },
  { magic: '425a68', tool: 'bzip2', suffix: '.bz2', keep: '-k' },
  { magic: '4c5a4950', tool: 'lzip', suffix: '.lz', keep: '-k' },
  { magic: '28b52ffd', tool: 'zstd', suffix: '.zst', keep: null },
  { magic: '04224d18', tool: 'lz4', suffix: '.lz4', keep: null },
];

/** BAD_SOURCE for a zip archive, a format of some published disk images; null for other files. */
export function zipArchive(path: string, head: Uint8Array): BinfmtctlError | null {
  if (Buffer.from(head.subarray(0, 4)).toString('latin1') !== 'PK\x03\x04') return null;
  return new BinfmtctlError('BAD_SOURCE', `${path} is a zip archive`, {
    hint: `unpack it: \`${commandLine(['unzip', path])}\`, then enter the image or directory`,
  });
}

/**
 * BAD_SOURCE for a compressed disk image, with the command that unpacks it; null for other files.
 *
 * @param packed first bytes of the file
 * @param head first bytes of the unpacked file
 */
export async function compressedImage(
  path: string,
  packed: Uint8Array,
  head: Uint8Array,
): Promise<BinfmtctlError | null> {
  const hex = Buffer.from(packed.subarray(0, 8)).toString('hex');
  const program = PROGRAMS.find(({ magic }) => hex.startsWith(magic));
  if (program === undefined) return null;
  const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
    head.subarray(offset, offset + length);
  if ((await readDiskImage(readAt, Number.MAX_SAFE_INTEGER)) === null) return null;
  const { tool, suffix, keep } = program;
  const isNamed = path.endsWith(suffix);
  const image = isNamed ? path.slice(0, -suffix.length) : `${path}.img`;
  const options = ['-d', ...(keep === null ? [] : [keep])];
  const command = isNamed
    ? commandLine([tool, ...options, path])
    : `${commandLine([tool, '-dc', path])} >${commandLine([image])}`;
  return new BinfmtctlError('BAD_SOURCE', `${path} is a compressed disk image`, {
    hint: `unpack it: \`${command}\`, then enter ${image}`,
  });
}
