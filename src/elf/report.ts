/** What a probe writes to its standard output. Sizes are fixed, so that the probe needs neither branch nor arithmetic. */
import type { ElfIdentity, ProbeReport } from './types.ts';

/** Begins every report. */
export const REPORT_MARKER: Uint8Array = new TextEncoder().encode('\x7fprobe1\n');

/** PATH_MAX: bytes that a report has for each of the two texts. */
export const TEXT_SIZE = 4096;

/** Bytes of a whole report: marker, effective user id (a word of the arch), link of /proc/self/exe, argv[0]. A probe
 * that has written this much waits for its standard input. */
export const REPORT_SIZE = REPORT_MARKER.length + 4 + 2 * TEXT_SIZE;

/**
 * What a probe has to find in its environment, in addition to anything else: it writes 4096 bytes from the start of
 * argv[0] on, and the environment lies behind the arguments, so that those bytes exist.
 */
export const probeEnvironment: Readonly<Record<string, string>> = { BINFMTCTL_PROBE: '.'.repeat(TEXT_SIZE) };

/**
 * Reads a report, whose word has the byte order of `identity`; null unless it is whole and nothing else. Bytes that
 * are not UTF-8 become U+FFFD; a text of 4096 bytes or more is cut there.
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
