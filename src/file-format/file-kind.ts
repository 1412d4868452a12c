/** Detects the kind of a file from its first bytes. Pure. */

export type FileKind = 'elf' | 'ar' | 'tar' | 'gzip' | 'zstd' | 'xz' | 'unknown';

/** The number of bytes that `fileKind` needs: a tar header. */
export const KIND_SIZE = 512;
const CHECKSUM = { at: 148, size: 8 };

/** @param head the first 512 bytes, or all of a shorter file */
export function fileKind(head: Uint8Array): FileKind {
  const start = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (start.startsWith('7f454c46')) return 'elf';
  // ar(5): `!<arch>` and a newline.
  if (start === '213c617263683e0a') return 'ar';
  if (start.startsWith('1f8b')) return 'gzip';
  // The .xz file format 2.1.1.1.
  if (start.startsWith('fd377a585a00')) return 'xz';
  // A frame, or a skippable one (RFC 8878 3.1).
  if (start.startsWith('28b52ffd') || /^5.2a4d18/.test(start)) return 'zstd';
  return isTarHeader(head) ? 'tar' : 'unknown';
}

/** Checks the checksum, the only mark that all tar headers share (POSIX pax, "ustar Interchange Format"). */
function isTarHeader(head: Uint8Array): boolean {
  if (head.length < KIND_SIZE) return false;
  const { at, size } = CHECKSUM;
  const text = String.fromCharCode(...head.subarray(at, at + size));
  const [, octal] = /^[ \0]*([0-7]+)[ \0]/.exec(text) ?? [];
  const rest = head.subarray(0, KIND_SIZE).reduce((sum, byte, index) => {
    return sum + (index >= at && index < at + size ? 0x20 : byte);
  }, 0);
  return octal !== undefined && Number.parseInt(octal, 8) === rest;
}
