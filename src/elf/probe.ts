/**
 * Assembles probes: static programs that report how they are run, see `report.ts`. A probe then waits for its standard input, so
 * that its /proc/PID/exe can be examined, and exits with PROBE_EXIT_STATUS.
 */
import { BinfmtctlError } from '../errors.ts';
import { assemble, type SystemCall } from './assemble.ts';
import { concat, dataAddress, encodeHead, headSize } from './executable.ts';
import { ISAS } from './isa/index.ts';
import { REPORT_MARKER, TEXT_SIZE } from './report.ts';
import type { ElfIdentity, ProbeSpec } from './types.ts';

export { decodeReport, probeEnvironment, REPORT_SIZE } from './report.ts';

/** Unlikely for other programs: shells use 126 and above, sysexits.h 64 to 78, most programs small numbers. */
export const PROBE_EXIT_STATUS = 93;

/**
 * The kernel's /proc/self/exe (Linux 3.17 and later), in a spelling that no emulator intercepts. QEMU answers `/proc/self/exe` and
 * `/proc/PID/exe` itself (linux-user/syscall.c is_proc_myself()), but this resolves to /proc/PID/task/TID/exe. FEX also answers
 * `/proc/thread-self/exe`, but only with exactly this text.
 */
const EXE_LINK = new TextEncoder().encode('/proc/./thread-self/exe\0');

/**
 * Builds the probe of an arch, an executable file of less than 512 bytes.
 *
 * @throws BAD_PROFILE for an unknown instruction set, or a missing or invalid system call number.
 */
export function buildProbe(identity: ElfIdentity, spec: ProbeSpec): Uint8Array {
  const isaOf = ISAS.get(spec.isa);
  if (isaOf === undefined) {
    const hint = `use one of ${[...ISAS.keys()].join(', ')}`;
    throw new BinfmtctlError('BAD_PROFILE', `unknown instruction set: ${spec.isa}`, { hint });
  }
  const data = concat([EXE_LINK, REPORT_MARKER]);
  const offset = headSize(identity.class);
  const entry = offset + data.length;
  const code = assemble(isaOf(identity), stepsOf(spec, dataAddress(offset)));
  const segments = {
    entry,
    textSize: entry + code.length,
    data: { offset, fileSize: data.length, memorySize: data.length + 4 + TEXT_SIZE },
  };
  return concat([encodeHead(identity, spec.flags ?? 0, segments), data, code]);
}

function stepsOf({ syscalls }: ProbeSpec, exeLink: number): SystemCall[] {
  const report = exeLink + EXE_LINK.length;
  const euid = report + REPORT_MARKER.length;
  const exe = euid + 4;
  return [
    { number: syscalls.geteuid, arguments: [], result: euid },
    readlinkStep(syscalls, [exeLink, exe, TEXT_SIZE]),
    { number: syscalls.write, arguments: [1, report, exe + TEXT_SIZE - report] },
    { number: syscalls.write, arguments: [1, null, TEXT_SIZE] },
    { number: syscalls.read, arguments: [0, exe, 1] },
    { number: syscalls.exit, arguments: [PROBE_EXIT_STATUS] },
  ];
}

function readlinkStep({ readlink, readlinkat }: ProbeSpec['syscalls'], call: readonly number[]): SystemCall {
  if (readlink !== undefined) return { number: readlink, arguments: call };
  // The directory descriptor is ignored, because the path is absolute.
  if (readlinkat !== undefined) return { number: readlinkat, arguments: [0, ...call] };
  throw new BinfmtctlError('BAD_PROFILE', 'a probe needs the system call readlink or readlinkat');
}
