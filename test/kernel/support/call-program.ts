import { assemble } from '../../../src/elf/assemble.ts';
import type { HostArch } from '../../../src/elf/exec-helper/hosts.ts';
import { concat, dataAddress, encodeHead, headSize } from '../../../src/elf/executable.ts';
import { ISAS } from '../../../src/elf/isa/index.ts';

const DATA_OFFSET = 0x1000;
/** Address of a byte `x`, in a program of `callProgram`. */
export const TYPED = dataAddress(DATA_OFFSET) + 4;

/** A static program that makes one system call and writes its result, 4 bytes, to standard output. */
export function callProgram({ identity, isa, flags, syscalls }: HostArch, number: number, args: number[]) {
  const result = dataAddress(DATA_OFFSET);
  const isaOf = ISAS.get(isa);
  if (isaOf === undefined) throw new Error(`no instruction set ${isa}`);
  const code = assemble(isaOf(identity), [
    { number, arguments: args, result },
    { number: syscalls.write, arguments: [1, result, 4] },
    { number: syscalls.exit, arguments: [0] },
  ]);
  const entry = headSize(identity.class);
  const data = { offset: DATA_OFFSET, fileSize: 8, memorySize: 8 };
  const text = concat([encodeHead(identity, flags, { entry, textSize: entry + code.length, data }), code]);
  return concat([
    text,
    new Uint8Array(DATA_OFFSET - text.length),
    new TextEncoder().encode('\0\0\0\0x\0\0\0'),
  ]);
}
