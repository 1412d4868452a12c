/** The report that a probe writes to its standard output. All sizes are fixed, so a probe needs no branches or arithmetic. */
import type { ElfIdentity, ProbeReport } from './types.ts';

/** The start of every report. */
export const REPORT_MARKER: Uint8Array = new TextEncoder().encode('\x7fprobe1\n');

/** PATH_MAX: size of each of the two texts in a report. */
export const TEXT_SIZE = 4096;

/** Size of a report: marker, effective user id (a word of the arch), target of /proc/self/exe, argv[0]. A probe that has written
 * this much waits for its standard input. */
export const REPORT_SIZE = REPORT_MARKER.length + 4 + 2 * TEXT_SIZE;

/**
 * Required in a probe's environment. A probe writes 4096 bytes from the start of argv[0]. The environment follows the arguments, so
 * this variable makes sure that those bytes exist.
 */
export const probeEnvironment: Readonly<Record<string, string>> = { BINFMTCTL_PROBE: '.'.repeat(TEXT_SIZE) };

/**
 * Decodes a report, whose word has the byte order of `identity`. Null if it is incomplete or has other data. Bytes that are not
 * UTF-8 become U+FFFD. Texts are truncated to 4096 bytes.
 */
export function decodeReport(bytes: Uint8Array, identity: ElfIdentity): ProbeReport | null {
  if (bytes.length !== REPORT_SIZE || !REPORT_MARKER.every((byte, index) => bytes[index] === byte))
    return null;
  const euidAt = REPORT_MARKER.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    euid: view.getUint32(euidAt, identity.byteOrder === 'little'),
    exe: textAt(bytes, euidAt + 4) || null,
    argv0: textAt(bytes, euidAt + 4 + TEXT_SIZE),
  };
}

function textAt(bytes: Uint8Array, start: number): string {
  const text = bytes.subarray(start, start + TEXT_SIZE);
  const end = text.indexOf(0);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(end < 0 ? text : text.subarray(0, end));
}
