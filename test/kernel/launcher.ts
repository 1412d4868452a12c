/**
 * A special program that executes files. Every usual way (execvp, hence Node's spawn, shells, env) passes a file
 * without a matching format to /bin/sh, which looks like a match and runs random bytes as commands. It keeps running,
 * so that a rule that matches every program does not affect it.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHeader } from '../../src/elf/header.ts';
import { encodeProgramHeaders, PT_INTERP, PT_LOAD } from '../../src/elf/programs.ts';

/** The result of one execve: the program's exit status, minus the signal that killed it, or the errno of execve,
 * with which the child exits. Programs exit with 200 or more to differ from an errno. */
export type Outcome = number;

export interface Launcher {
  /** Executes the files, relative to the launcher's directory, one after the other, with argv[0] alone. */
  launch(paths: readonly Uint8Array[]): Promise<Outcome[]>;
  /** The stacks of the report programs since the last call, in order. */
  reports(): readonly Handed[];
  stop(): Promise<void>;
}

/** The contents of a program's initial stack. */
export interface Handed {
  readonly argv: readonly Uint8Array[];
  /** The auxiliary vector, getauxval(3). */
  readonly auxv: ReadonlyMap<number, bigint>;
}

/**
 * Linux system calls, in a loop: read(0) byte by byte up to a NUL, vfork, in the child execve of what was read and
 * exit with the errno, in the parent wait4 and write(1) of the status word. Ends at the end of its input. Assembled
 * from 40 lines of assembly each; the stack holds path (4096 bytes), status and argv.
 */
const MACHINE_CODE: Readonly<Record<string, string>> = {
  x64: `4881ec002000004989e44d89e531ff4c89eeba0100000031c00f054885c00f8e80000000418a450049ffc584c075deb83a000000
0f0585c0743189c7498db4240010000031d24531d2b83d0000000f05bf01000000498db42400100000ba04000000b8010000000f05eb9f4c89e74d
89a4240810000049c784241010000000000000498db42408100000498d942410100000b83b0000000f0589c7f7dfb83c0000000f0531ffb83c0000
000f05`,
  arm64: `ff0b40d1f303009175064091f40313aa000080d2e10314aa220080d2e80780d2010000d41f0000f10d0400548116403801ffff35
202288d2010080d2020080d2030080d2040080d2881b80d2010000d4800100b4e10315aa020080d2030080d2882080d2010000d4200080d2e10315
aa820080d2080880d2010000d4e4ffff17b30600f9bf0a00f9e00313aaa1220091a2420091a81b80d2010000d4e00300cba80b80d2010000d40000
80d2a80b80d2010000d4`,
};

export function startLauncher(directory: string): Launcher {
  const path = join(directory, 'launcher');
  writeFileSync(path, program(Buffer.from(machineCode().replaceAll('\n', ''), 'hex')), { mode: 0o755 });
  const reports = openSync(join(directory, 'reports'), 'a+');
  const child = spawn(path, { cwd: directory, stdio: ['pipe', 'pipe', 'inherit', reports] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the launcher has no pipes');
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const chunks = stdout[Symbol.asyncIterator]();
  return {
    async launch(paths) {
      stdin.write(Buffer.concat(paths.flatMap((path) => [path, Uint8Array.of(0)])));
      let statuses = Buffer.alloc(0);
      while (statuses.length < 4 * paths.length) {
        const chunk = await chunks.next();
        if (chunk.done) throw new Error('the launcher ended');
        statuses = Buffer.concat([statuses, chunk.value]);
      }
      return paths.map((_, index) => decodeStatus(statuses.readUInt32LE(4 * index)));
    },
    reports() {
      const bytes = readFileSync(join(directory, 'reports'));
      truncateSync(join(directory, 'reports'));
      return decodeReports(bytes);
    },
    async stop() {
      stdin.end();
      await closed;
      closeSync(reports);
    },
  };
}

/**
 * A static native program that writes the address of its stack and the stack to descriptor 3, and then exits
 * with `status`; on x86-64 with 199 if it cannot write.
 */
export function reportProgram(status: number): Uint8Array {
  return program(reportCode(status));
}

function reportCode(status: number): Uint8Array {
  // One write of more than exists: it ends at the end of the stack.
  const code = process.arch === 'x64' ? REPORT_X64 : REPORT_ARM64;
  return Buffer.concat([Buffer.from(code, 'hex'), exitCode(status)]);
}

// push rsp; mov rsi, rsp; mov edi, 3; mov edx, 1 << 20; mov eax, 1; syscall; where it fails exit(199)
const REPORT_X64 = '544889e6bf03000000ba00001000b8010000000f0585c07f0cbfc7000000b83c0000000f05';
// mov x9, sp; sub x10, x9, 8; str x9, [x10]; mov x0, 3; mov x1, x10; mov x2, 1 << 20; mov x8, 64; svc 0
const REPORT_ARM64 = 'e90300912a2100d1490100f9600080d2e1030aaa0202a0d2080880d2010000d4';

/** A static native program that only exits with `status`, 0 to 255. */
export function exitProgram(status: number): Uint8Array {
  return program(exitCode(status));
}

/** A static native program that creates an empty file and then waits for a signal. */
export function waitingProgram(file: string): Uint8Array {
  const code = process.arch === 'x64' ? WAIT_X64 : WAIT_ARM64;
  return program(Buffer.concat([Buffer.from(code, 'hex'), Buffer.from(`${file}\0`)]));
}

// lea rdi, [rip + 26]; open(rdi, O_CREAT | O_WRONLY, 0644); pause() in a loop; the path
const WAIT_X64 = '488d3d1a000000be41000000baa4010000b8020000000f05b8220000000f05ebf7';
// adr x1, 52; openat(AT_FDCWD, x1, O_CREAT | O_WRONLY, 0644); ppoll(0, 0, 0, 0) in a loop; the path
const WAIT_ARM64 =
  'a1010010600c8092220880d2833480d2080780d2010000d4000080d2010080d2020080d2030080d2280980d2010000d4faffff17';

/** As `reportProgram`, but with a program interpreter, which runs instead. */
export function loadedProgram(status: number, interpreter: string): Uint8Array {
  return program(reportCode(status), { path: interpreter, base: BASE + BigInt(status) * 0x100000n });
}

function exitCode(status: number): Uint8Array {
  const code = Buffer.alloc(12);
  if (process.arch === 'x64') {
    code.set(Buffer.from('bf00000000b83c0000000f05', 'hex')); // mov edi, status; mov eax, 60; syscall
    code.writeUInt8(status, 1);
  } else {
    code.writeUInt32LE(0xd2800000 + status * 32); // mov x0, status
    code.set(Buffer.from('a80b80d2010000d4', 'hex'), 4); // mov x8, 93; svc 0
  }
  return code;
}

function machineCode(): string {
  const code = MACHINE_CODE[process.arch];
  if (code === undefined) throw new Error(`no launcher for ${process.arch}`);
  return code;
}

const HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const BASE = 0x400000n;

interface Interpreted {
  /** Of the program interpreter. */
  readonly path: string;
  /** An address that does not collide with the program interpreter's. */
  readonly base: bigint;
}

function program(code: Uint8Array, interpreted: Interpreted | null = null): Uint8Array {
  const layout = { class: 64, byteOrder: 'little' } as const;
  const count = interpreted === null ? 1 : 2;
  const headersSize = HEADER_SIZE + count * PROGRAM_HEADER_SIZE;
  const path = Buffer.from(interpreted === null ? '' : `${interpreted.path}\0`);
  const size = BigInt(headersSize + code.length + path.length);
  const base = interpreted?.base ?? BASE;
  const header = encodeHeader({
    ...layout,
    machine: process.arch === 'x64' ? 62 : 183,
    osAbi: 0,
    abiVersion: 0,
    type: 2,
    version: 1,
    entry: base + BigInt(headersSize),
    programHeaderOffset: 64n,
    sectionHeaderOffset: 0n,
    flags: 0,
    headerSize: 64,
    programHeaderSize: 56,
    programHeaderCount: count,
    sectionHeaderSize: 0,
    sectionHeaderCount: 0,
    sectionNamesIndex: 0,
  });
  const load = {
    type: PT_LOAD,
    flags: 5,
    offset: 0n,
    virtualAddress: base,
    physicalAddress: base,
    fileSize: size,
    memorySize: size,
    align: 0x10000n,
  };
  const at = BigInt(headersSize + code.length);
  const asked = {
    ...load,
    type: PT_INTERP,
    offset: at,
    virtualAddress: base + at,
    physicalAddress: base + at,
    fileSize: BigInt(path.length),
    memorySize: BigInt(path.length),
    align: 1n,
  };
  // PT_INTERP precedes loadable segments (System V ABI, chapter 5).
  const headers = encodeProgramHeaders(interpreted === null ? [load] : [asked, load], layout);
  return Uint8Array.from([...header, ...headers, ...code, ...path]);
}

/** The status word of wait4: the signal in its lowest seven bits, the exit status in the next byte. */
const decodeStatus = (word: number): Outcome => ((word & 0x7f) === 0 ? (word >> 8) & 0xff : -(word & 0x7f));

const AT_EXECFN = 31;

/** The output of report programs: for each, the stack's address, then the stack as execve(2) leaves it. */
function decodeReports(bytes: Buffer): readonly Handed[] {
  if (bytes.length === 0) return [];
  const word = (index: number): bigint => bytes.readBigUInt64LE(8 * index);
  const stack = word(0);
  const count = Number(word(1));
  const pointers = Array.from({ length: count }, (_, index) => word(2 + index));
  let at = 2 + count + 1;
  while (word(at) !== 0n) at++;
  const auxv = new Map<number, bigint>();
  for (at++; word(at) !== 0n; at += 2) auxv.set(Number(word(at)), word(at + 1));
  const textAt = (pointer: bigint): Uint8Array => {
    const start = Number(pointer - stack) + 8;
    return Uint8Array.from(bytes.subarray(start, bytes.indexOf(0, start)));
  };
  // The executed path and eight zeros end the stack (fs/exec.c).
  const name = auxv.get(AT_EXECFN) ?? 0n;
  const size = Number(name - stack) + 8 + textAt(name).length + 1 + 8;
  return [{ argv: pointers.map(textAt), auxv }, ...decodeReports(bytes.subarray(size))];
}
