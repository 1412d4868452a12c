/**
 * Assembles exec helpers: static programs that contain a path, arguments and an environment as data, and execute them. So the
 * tools that run before a helper do not get the environment, no command line shows it, and it may contain any bytes.
 *
 * The code has no branches. Each call that must succeed before execve(2) stores its result, 0 on success, within an operand of
 * chdir or execve: any other value makes that call fail. At its end, the helper reports all results and exits.
 */
import { BinfmtctlError } from '../../errors.ts';
import { assemble, type SystemCall } from '../assemble.ts';
import { concat, encodeHead, headSize } from '../executable.ts';
import { ISAS } from '../isa/index.ts';
import type { Isa } from '../isa/types.ts';
import {
  CALLS,
  DATA_OFFSET,
  type DataAddresses,
  type ExecRequest,
  type ExecRoot,
  encodeData,
  RESULT,
} from './data.ts';
import { HOST_ARCHES, type HostArch } from './hosts.ts';

export type { ExecRequest } from './data.ts';

/** Descriptors that the helper closes: its own file, and the one for its failure report. */
export interface HelperDescriptors {
  readonly own: number;
  readonly report: number;
}

/** The first call that failed, and its errno. */
export interface ExecFailure {
  readonly call: (typeof CALLS)[number];
  readonly errno: number;
}

/** Exit status of a helper whose execve(2) failed; the same as in shells. */
export const EXEC_FAILED = 126;

const F_SETFD = 2;
const FD_CLOEXEC = 1;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const KEYCTL_JOIN_SESSION_KEYRING = 1;
const REPORT_SIZE = RESULT * CALLS.length;

/**
 * Builds the executable file of a helper for a host. `arch` is Node's name for it (`process.arch`).
 *
 * @throws NO_TOOL for an unknown arch; PROGRAM_NOT_EXECUTABLE for too many arguments and variables.
 */
export function buildExecHelper(
  arch: string,
  execution: ExecRequest,
  descriptors: HelperDescriptors,
): Uint8Array {
  const host = hostOf(arch);
  const { identity, flags } = host;
  const { bytes, places } = encodeData(host, execution);
  const isa = isaOf(host);
  const code = assemble(isa, stepsOf(host, execution, descriptors, places));
  const entry = headSize(identity.class);
  const segments = {
    entry,
    textSize: entry + code.length,
    data: { offset: DATA_OFFSET, fileSize: bytes.length, memorySize: bytes.length },
  };
  const text = concat([encodeHead(identity, flags, segments), code]);
  return concat([text, new Uint8Array(DATA_OFFSET - text.length), bytes]);
}

/** Decodes the report of a helper. Null if there is none, as when it executed the program. */
export function decodeExecReport(arch: string, report: Uint8Array): ExecFailure | null {
  if (report.length !== REPORT_SIZE) return null;
  const view = new DataView(report.buffer, report.byteOffset, report.length);
  const little = hostOf(arch).identity.byteOrder === 'little';
  // Some kernels return a negative errno, others a positive one with an error flag.
  const results = CALLS.map((call, index) => ({
    call,
    errno: Math.abs(view.getInt32(index * RESULT, little)),
  }));
  return results.find(({ errno }) => errno !== 0) ?? null;
}

function hostOf(arch: string): HostArch {
  const host = HOST_ARCHES.get(arch);
  if (host !== undefined) return host;
  throw new BinfmtctlError('NO_TOOL', `unsupported host architecture: ${arch}`, {
    hint: `supported: ${[...HOST_ARCHES.keys()].join(', ')}`,
  });
}

function isaOf({ isa, identity }: HostArch): Isa {
  const found = ISAS.get(isa);
  if (found === undefined) throw new BinfmtctlError('BAD_PROFILE', `unknown instruction set: ${isa}`);
  return found(identity);
}

function stepsOf(
  { syscalls }: HostArch,
  { inside }: ExecRequest,
  { own, report }: HelperDescriptors,
  { argv, environment, path, here, workdir, filter, results }: DataAddresses,
): readonly SystemCall[] {
  const call = (name: ExecFailure['call'], ...all: readonly number[]): SystemCall => ({
    number: syscalls[name],
    arguments: all,
    result: results[name],
  });
  const stepsInside = ({ uid, filtersTerminal }: ExecRoot): readonly SystemCall[] => [
    // Needs CAP_SYS_ADMIN, so it comes before setuid (seccomp(2)).
    ...(filtersTerminal ? [call('prctl', PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter)] : []),
    call('chroot', here),
    call('chdir', workdir),
    // Its result is not checked: it is a keyring id on success, and the call fails on kernels without keyrings.
    { number: syscalls.keyctl, arguments: [KEYCTL_JOIN_SESSION_KEYRING, 0] },
    ...(uid === null ? [] : [call('setuid', uid)]),
  ];
  return [
    { number: syscalls.fcntl, arguments: [report, F_SETFD, FD_CLOEXEC] },
    { number: syscalls.close, arguments: [own] },
    ...(inside === undefined ? [] : stepsInside(inside)),
    call('execve', path, argv, environment),
    ...CALLS.map((name) => ({ number: syscalls.write, arguments: [report, results[name], RESULT] })),
    { number: syscalls.exit, arguments: [EXEC_FAILED] },
  ];
}
