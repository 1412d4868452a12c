/**
 * A seccomp filter for a program that shares the terminal of its caller: it refuses the ioctls that put input into a
 * terminal, so that the program cannot type commands into the caller's shell. Pure.
 */
import type { ByteOrder } from '../types.ts';

/** The ABIs of a host's system calls, and the ioctls to refuse. */
export interface TerminalAbis {
  readonly abis: readonly { readonly arch: number; readonly ioctl: readonly number[] }[];
  /** TIOCSTI, and TIOCLINUX, which pastes a selection into a console (asm/ioctls.h). */
  readonly typing: readonly [number, number];
}

/** struct sock_filter (linux/filter.h): u16 code, u8 jt, u8 jf, u32 k. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, k: number];
export const INSTRUCTION_SIZE = 8;

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** Offsets in struct seccomp_data (linux/seccomp.h); the lower half of the second argument depends on the byte order. */
const NUMBER = 0;
const ARCH = 4;
const SECOND_ARGUMENT = { little: 24, big: 28 } as const;

const ALLOW = 0x7fff0000;
const EPERM = 1;
const REFUSE = 0x00050000 | EPERM; // SECCOMP_RET_ERRNO

/** Encodes the filter's instructions for seccomp(2), 8 bytes each. */
export function encodeTerminalFilter({ abis, typing }: TerminalAbis, byteOrder: ByteOrder): Uint8Array {
  const blocks = abis.map(({ arch, ioctl }) => ({ arch, numbers: ioctl, size: 2 + ioctl.length }));
  const allow = 1 + blocks.reduce((sum, { size }) => sum + size, 0);
  const command = allow + 1;
  const program: Instruction[] = [[LOAD, 0, 0, ARCH]];
  for (const { arch, numbers } of blocks) {
    program.push([JUMP_IF_EQUAL, 0, 1 + numbers.length, arch], [LOAD, 0, 0, NUMBER]);
    for (const [index, number] of numbers.entries()) {
      const next = program.length + 1;
      const isLast = index === numbers.length - 1;
      program.push([JUMP_IF_EQUAL, command - next, isLast ? allow - next : 0, number]);
    }
  }
  const [type, paste] = typing;
  program.push(
    [RETURN, 0, 0, ALLOW],
    [LOAD, 0, 0, SECOND_ARGUMENT[byteOrder]],
    [JUMP_IF_EQUAL, 2, 0, type],
    [JUMP_IF_EQUAL, 1, 0, paste],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, REFUSE],
  );
  return encode(program, { little: byteOrder === 'little' });
}

function encode(program: readonly Instruction[], { little }: { readonly little: boolean }): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_SIZE);
  const view = new DataView(bytes.buffer);
  for (const [index, [code, ifTrue, ifFalse, k]] of program.entries()) {
    view.setUint16(index * INSTRUCTION_SIZE, code, little);
    view.setUint8(index * INSTRUCTION_SIZE + 2, ifTrue);
    view.setUint8(index * INSTRUCTION_SIZE + 3, ifFalse);
    view.setUint32(index * INSTRUCTION_SIZE + 4, k, little);
  }
  return bytes;
}
