import { describe, expect, it } from 'vitest';
import {
  buildExecHelper,
  decodeExecReport,
  type ExecRequest,
} from '../../../../src/elf/exec-helper/exec-helper.ts';
import { HOST_ARCHES } from '../../../../src/elf/exec-helper/hosts.ts';
import { decodeHeader, headerSize } from '../../../../src/elf/header.ts';
import { decodeProgramHeaders, PT_LOAD, programHeaderSize } from '../../../../src/elf/programs.ts';

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const descriptors = { own: 4, report: 8 };
const execution: ExecRequest = {
  path: bytesOf('/bin/prog'),
  argv: ['prog', 'a b', ''].map(bytesOf),
  environment: ['MY-PASS=hunter2', 'RAW=\xff\xfe'].map(bytesOf),
  inside: { workdir: bytesOf('/srv'), uid: 4_000_000_000, filtersTerminal: true },
};

describe.each([...HOST_ARCHES])('an exec helper for %s', (arch, { identity }) => {
  const file = Buffer.from(buildExecHelper(arch, execution, descriptors));

  it('is a static executable of this arch', () => {
    expect(decodeHeader(file)).toMatchObject({ ...identity, type: 2, programHeaderCount: 3 });
  });

  it('maps code and data to separate pages, of any size', () => {
    const start = headerSize(identity.class);
    const table = file.subarray(start, start + 3 * programHeaderSize(identity.class));
    const [code, data] = decodeProgramHeaders(table, identity).filter(({ type }) => type === PT_LOAD);
    if (code === undefined || data === undefined) throw new Error('no segments');
    for (const { virtualAddress, offset } of [code, data])
      expect((virtualAddress - offset) % 0x10000n).toBe(0n);
    expect([code.flags, data.flags]).toEqual([5, 6]);
    expect((code.virtualAddress + code.fileSize) / 0x10000n).toBeLessThan(data.virtualAddress / 0x10000n);
  });

  it('contains every text unchanged, with its NUL', () => {
    for (const text of [...execution.argv, ...execution.environment, bytesOf('/srv')])
      expect(file.includes(Buffer.concat([text, Buffer.of(0)]))).toBe(true);
  });

  it('rejects tables that its code cannot address', () => {
    const argv = Array<Uint8Array>(2 ** 21).fill(bytesOf(''));
    expect(() => buildExecHelper(arch, { ...execution, argv }, descriptors)).toThrow(
      expect.objectContaining({ code: 'PROGRAM_NOT_EXECUTABLE' }),
    );
  });

  it('reports the first call that failed', () => {
    const report = Buffer.alloc(20);
    const write = (index: number, value: number): void => {
      if (identity.byteOrder === 'little') report.writeInt32LE(value, index * 4);
      else report.writeInt32BE(value, index * 4);
    };
    write(4, -14);
    expect(decodeExecReport(arch, report)).toEqual({ call: 'execve', errno: 14 });
    write(1, 1);
    expect(decodeExecReport(arch, report)).toEqual({ call: 'chroot', errno: 1 });
  });

  it('reports nothing if it executed the program, or was killed while writing', () => {
    expect(decodeExecReport(arch, new Uint8Array())).toBeNull();
    expect(decodeExecReport(arch, new Uint8Array(16).fill(1))).toBeNull();
  });
});

it('rejects an arch that Node does not run on', () => {
  expect(() => buildExecHelper('pdp11', execution, descriptors)).toThrow(
    expect.objectContaining({ code: 'NO_TOOL', hint: expect.stringContaining('x64') }),
  );
});
