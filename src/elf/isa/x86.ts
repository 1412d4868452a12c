/** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. Class 64 is x86_64, class 32 is i386. */
import type { Isa, IsaOf } from './types.ts';

export const x86: IsaOf = (identity) => (identity.class === 64 ? x86_64 : i386);

const i386: Isa = {
  unit: 1,
  byteOrder: 'little',
  callRegister: 0, // eax
  argumentRegisters: [3, 1, 2, 6], // ebx, ecx, edx, esi
  set: (register, value) => [0xb8 | register, ...bytesOf(value)], // mov r32, value
  loadArgv0: (register) => [0x8b, 0x44 | (register << 3), 0x24, 4], // mov r32, [esp+4]
  call: [0xcd, 0x80], // int 0x80
  storeResult: (address) => [0xa3, ...bytesOf(address)], // mov [address], eax
};

const x86_64: Isa = {
  unit: 1,
  byteOrder: 'little',
  callRegister: 0, // rax
  argumentRegisters: [7, 6, 2, 10], // rdi, rsi, rdx, r10
  // mov r32, value clears the upper half; REX.B (0x41) for r8 and above
  set: (register, value) => [0x40 | (register >> 3), 0xb8 | (register & 7), ...bytesOf(value)],
  // mov r64, [rsp+8]; REX.R for r8 and above
  loadArgv0: (register) => [0x48 | ((register >> 3) << 2), 0x8b, 0x44 | ((register & 7) << 3), 0x24, 8],
  call: [0x0f, 0x05], // syscall
  storeResult: (address) => [0x89, 0x04, 0x25, ...bytesOf(address)], // mov [address], eax
};

function bytesOf(value: number): number[] {
  return [value, value >> 8, value >> 16, value >> 24];
}
