/**
 * Assembles probes: static programs that report who runs them and how, see `report.ts`. Then a probe waits for its
 * standard input, so that its /proc/PID/exe can be looked at, and exits with PROBE_EXIT_STATUS.
 */
import { BinfmtctlError } from '../errors.ts';
import { encodeHeader, headerSize } from './header.ts';
import { ISAS } from './isa/index.ts';
import { type Code, type Isa, MAX_CONSTANT } from './isa/types.ts';
import { encodeProgramHeaders, PT_LOAD, programHeaderSize } from './programs.ts';
import { REPORT_MARKER, TEXT_SIZE } from './report.ts';
import type { ElfIdentity, ProbeSpec, ProgramHeader } from './types.ts';

export { decodeReport, probeEnvironment, REPORT_SIZE } from './report.ts';

/** Neither a shell's status (126 and above), nor sysexits.h (64 to 78), nor small. */
export const PROBE_EXIT_STATUS = 93;

/**
 * The kernel's /proc/self/exe (Linux 3.17 and later), spelled so that no emulator takes it for a question about its
 * guest: QEMU answers `/proc/self/exe` and `/proc/PID/exe` itself (linux-user/syscall.c is_proc_myself()), but this
 * resolves to /proc/PID/task/TID/exe; FEX answers `/proc/thread-self/exe` too, but compares the whole text.
 */
const EXE_LINK = new TextEncoder().encode('/proc/./thread-self/exe\0');

/** Within reach of MAX_CONSTANT, and free in every arch's address space. */
const BASE = 0x400000;
/** The largest page of any arch. */
const PAGE = 0x10000;

/**
 * Stands where nobody looks, early in the file, as the physical address of the segments: where no format takes a
 * probe, shells and execvp(3) run it as a script, and a `)` is a syntax error before anything is done.
 */
const SHELL_STOP = 0x29n;

const ET_EXEC = 2;
const PT_GNU_STACK = 0x6474e551;
const PROGRAM_COUNT = 3;

/**
 * Builds the probe of an arch, an executable file of less than 512 bytes. `spec` gives instruction set, system call
 * numbers and `e_flags`. BAD_PROFILE for an unknown instruction set or a system call number that is missing or absurd.
 */
export function buildProbe(identity: ElfIdentity, spec: ProbeSpec): Uint8Array {
  const isaOf = ISAS.get(spec.isa);
  if (isaOf === undefined) {
    const hint = `use one of ${[...ISAS.keys()].join(', ')}`;
    throw new BinfmtctlError('BAD_PROFILE', `unknown instruction set of a probe: ${spec.isa}`, { hint });
  }
  const dataOffset = headerSize(identity.class) + PROGRAM_COUNT * programHeaderSize(identity.class);
  const data = concat([EXE_LINK, REPORT_MARKER]);
  const codeOffset = dataOffset + data.length;
  const code = assemble(isaOf(identity), stepsOf(spec, BASE + PAGE + dataOffset));
  const places = { dataOffset, codeOffset, size: codeOffset + code.length };
  return concat([encodeHead(identity, spec.flags ?? 0, places), data, code]);
}

/** A system call: its number, and its arguments, where null is argv[0]. */
interface Step {
  readonly number: number;
  readonly arguments: readonly (number | null)[];
  /** Address that keeps the result. */
  readonly result?: number;
}

function stepsOf({ syscalls }: ProbeSpec, exeLink: number): Step[] {
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

function readlinkStep({ readlink, readlinkat }: ProbeSpec['syscalls'], call: readonly number[]): Step {
  if (readlink !== undefined) return { number: readlink, arguments: call };
  // The folder does not count, since the path is absolute.
  if (readlinkat !== undefined) return { number: readlinkat, arguments: [0, ...call] };
  throw new BinfmtctlError('BAD_PROFILE', 'a probe needs the system call readlink or readlinkat');
}

function assemble(isa: Isa, steps: readonly Step[]): Uint8Array {
  const code = [isa.prologue ?? [], ...steps.map((step) => assembleStep(isa, step))].flat();
  const bytes = new Uint8Array(code.length * isa.unit);
  const view = new DataView(bytes.buffer);
  const little = isa.byteOrder === 'little';
  for (const [index, unit] of code.entries()) {
    if (isa.unit === 1) view.setUint8(index, unit);
    else if (isa.unit === 2) view.setUint16(index * 2, unit, little);
    else view.setUint32(index * 4, unit, little);
  }
  return bytes;
}

function assembleStep(isa: Isa, step: Step): Code {
  if (!Number.isInteger(step.number) || step.number < 0 || step.number > MAX_CONSTANT) {
    throw new BinfmtctlError('BAD_PROFILE', `${step.number} is not the number of a system call`);
  }
  const load = isa.argumentRegisters.flatMap((register, index) => {
    const value = step.arguments[index];
    if (value === undefined) return [];
    return value === null ? isa.loadArgv0(register) : isa.set(register, value);
  });
  const store = step.result === undefined ? [] : isa.storeResult(step.result);
  return [...load, ...isa.set(isa.callRegister, step.number), ...isa.call, ...store];
}

interface Places {
  readonly dataOffset: number;
  readonly codeOffset: number;
  readonly size: number;
}

/** Header and program headers: the whole file to be read and executed, its data to be written one page above. */
function encodeHead(
  identity: ElfIdentity,
  flags: number,
  { dataOffset, codeOffset, size }: Places,
): Uint8Array {
  const programs = [
    program(PT_LOAD, 0b101, { offset: 0, address: BASE, fileSize: size, memorySize: size }),
    program(PT_LOAD, 0b110, {
      offset: dataOffset,
      address: BASE + PAGE + dataOffset,
      fileSize: codeOffset - dataOffset,
      memorySize: codeOffset - dataOffset + 4 + TEXT_SIZE,
    }),
    // Without it some arches make stack and data executable, which a hardened kernel refuses.
    program(PT_GNU_STACK, 0b110, { offset: 0, address: 0, fileSize: 0, memorySize: 0 }),
  ];
  const header = encodeHeader({
    ...identity,
    osAbi: 0,
    abiVersion: 0,
    type: ET_EXEC,
    version: 1,
    entry: BigInt(BASE + codeOffset),
    programHeaderOffset: BigInt(headerSize(identity.class)),
    sectionHeaderOffset: 0n,
    flags,
    headerSize: headerSize(identity.class),
    programHeaderSize: programHeaderSize(identity.class),
    programHeaderCount: programs.length,
    sectionHeaderSize: 0,
    sectionHeaderCount: 0,
    sectionNamesIndex: 0,
  });
  return concat([header, encodeProgramHeaders(programs, identity)]);
}

interface Extent {
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

function program(type: number, flags: number, extent: Extent): ProgramHeader {
  return {
    type,
    flags,
    offset: BigInt(extent.offset),
    virtualAddress: BigInt(extent.address),
    physicalAddress: SHELL_STOP,
    fileSize: BigInt(extent.fileSize),
    memorySize: BigInt(extent.memorySize),
    align: BigInt(PAGE),
  };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
