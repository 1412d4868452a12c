/** A static RISC-V program that prints "hello from riscv64" and exits with 0. */
import { encodeHeader } from '../../../src/elf/header.ts';
import { encodeProgramHeaders, PT_LOAD } from '../../../src/elf/programs.ts';

const EM_RISCV = 243;
const BASE = 0x10000n;
const HEADERS = 64 + 56;

export function helloForRiscv64(): Uint8Array {
  const text = Buffer.from('hello from riscv64\n');
  const code = machineCode(text.length);
  const size = BigInt(HEADERS + code.length + text.length);
  const layout = { class: 64, byteOrder: 'little' } as const;
  const header = encodeHeader({
    ...layout,
    machine: EM_RISCV,
    osAbi: 0,
    abiVersion: 0,
    type: 2,
    version: 1,
    entry: BASE + BigInt(HEADERS),
    programHeaderOffset: 64n,
    sectionHeaderOffset: 0n,
    flags: 0,
    headerSize: 64,
    programHeaderSize: 56,
    programHeaderCount: 1,
    sectionHeaderSize: 0,
    sectionHeaderCount: 0,
    sectionNamesIndex: 0,
  });
  const load = { type: PT_LOAD, flags: 5, offset: 0n, virtualAddress: BASE, physicalAddress: BASE };
  const whole = { ...load, fileSize: size, memorySize: size, align: 0x1000n };
  return Buffer.concat([header, encodeProgramHeaders([whole], layout), code, text]);
}

const [A0, A1, A2, A7] = [10, 11, 12, 17] as const;
const ECALL = 0x73;

/** write(1, what follows the code, length); exit(0). System calls of asm-generic/unistd.h. */
function machineCode(length: number): Uint8Array {
  const instructions = [
    auipc(A1),
    addi(A1, A1, 36),
    addi(A0, 0, 1),
    addi(A2, 0, length),
    addi(A7, 0, 64),
    ECALL,
    addi(A0, 0, 0),
    addi(A7, 0, 93),
    ECALL,
  ];
  const bytes = Buffer.alloc(4 * instructions.length);
  for (const [index, word] of instructions.entries()) bytes.writeUInt32LE(word, 4 * index);
  return bytes;
}

/** rd := rs + immediate, from 0 to 2047. */
const addi = (rd: number, rs: number, immediate: number): number =>
  (immediate << 20) | (rs << 15) | (rd << 7) | 0x13;

/** rd := its own address. */
const auipc = (rd: number): number => (rd << 7) | 0x17;
