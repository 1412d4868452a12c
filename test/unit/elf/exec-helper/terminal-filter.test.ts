import { describe, expect, it } from 'vitest';
import { HOST_ARCHES } from '../../../../src/elf/exec-helper/hosts.ts';
import { encodeTerminalFilter, INSTRUCTION_SIZE } from '../../../../src/elf/exec-helper/terminal-filter.ts';

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;

/** Runs the filter as the kernel does (networking/filter.rst), on a struct seccomp_data. */
function verdict(filter: Uint8Array, little: boolean, arch: number, number: number, command: bigint): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, number, little);
  data.setUint32(4, arch, little);
  data.setBigUint64(24, command, little);
  const program = new DataView(filter.buffer, filter.byteOffset, filter.length);
  let accumulator = 0;
  for (let at = 0; at < filter.length; at += INSTRUCTION_SIZE) {
    const k = program.getUint32(at + 4, little);
    const code = program.getUint16(at, little);
    if (code === 0x06) return k;
    if (code === 0x20) accumulator = data.getUint32(k, little);
    else if (code === 0x15) at += INSTRUCTION_SIZE * program.getUint8(at + (accumulator === k ? 2 : 3));
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('the filter does not end');
}

describe.each([...HOST_ARCHES])('the terminal filter of %s', (_, { identity, syscalls, terminal }) => {
  const little = identity.byteOrder === 'little';
  const filter = encodeTerminalFilter(terminal, identity.byteOrder);
  const calls = terminal.abis.flatMap(({ arch, ioctl }) => ioctl.map((number) => ({ arch, number })));
  const TCGETS = 0x5401n;

  it('refuses terminal input in every ABI, for any upper half of the command', () => {
    for (const { arch, number } of calls)
      for (const command of terminal.typing)
        for (const upper of [0n, 0xffffffff00000000n])
          expect(verdict(filter, little, arch, number, upper | BigInt(command))).toBe(EPERM);
  });

  it('allows other ioctls, other calls and other ABIs', () => {
    for (const { arch, number } of calls) {
      expect(verdict(filter, little, arch, number, TCGETS)).toBe(ALLOW);
      expect(verdict(filter, little, arch, number + 1, BigInt(terminal.typing[0]))).toBe(ALLOW);
      expect(verdict(filter, little, arch, syscalls.write, BigInt(terminal.typing[0]))).toBe(ALLOW);
      expect(verdict(filter, little, arch ^ 0x100, number, BigInt(terminal.typing[0]))).toBe(ALLOW);
    }
  });
});
