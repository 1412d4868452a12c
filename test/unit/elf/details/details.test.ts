import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readDetails } from '../../../../src/elf/details/details.ts';
import { isBinfmtctlError } from '../../../../src/errors.ts';
import { buildElf, dynamic, reader, type Segment, text, words } from './build.ts';

const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const PT_NOTE = 4;
const PT_RISCV_ATTRIBUTES = 0x70000003;

const detailsOf = (file: Uint8Array) => readDetails(reader(file));

const interpreter = (path: string): Segment => ({ type: PT_INTERP, bytes: text(`${path}\0`) });

const NAMES = text('\0libc.so.6\0libm.so.6\0/opt/lib:$ORIGIN\0GLIBC_2.34\0');

/** A dynamic program with two libraries, a run path and one required version. */
const dynamicProgram = () =>
  buildElf({}, (offsets) => [
    interpreter('/lib64/ld-linux-x86-64.so.2'),
    { type: 0, bytes: NAMES },
    { type: 0, bytes: words([0x10001, 1, 16, 0, 0, 0, 38, 0]) },
    {
      type: PT_DYNAMIC,
      bytes: dynamic([
        [1, 1],
        [1, 11],
        [29, 21],
        [5, offsets[1] ?? 0],
        [0x6ffffffe, offsets[2] ?? 0],
        [0x6fffffff, 1],
        [0x6ffffffb, 0x08000000],
      ]),
    },
  ]);

describe('the details of a program', () => {
  it('contain the program interpreter, libraries, run path and required versions', () => {
    expect(detailsOf(dynamicProgram())).toMatchObject({
      kind: 'pie',
      static: false,
      interpreter: '/lib64/ld-linux-x86-64.so.2',
      needed: ['libc.so.6', 'libm.so.6'],
      runpath: ['/opt/lib', '$ORIGIN'],
      requiredVersions: [{ library: 'libc.so.6', versions: ['GLIBC_2.34'] }],
      problems: [],
    });
  });

  it('tell a static program, a static-pie and a shared library apart', () => {
    const pie = () => [{ type: PT_DYNAMIC, bytes: dynamic([[0x6ffffffb, 0x08000000]]) }];
    expect(detailsOf(buildElf({ type: 2 }, () => []))).toMatchObject({ kind: 'executable', static: true });
    expect(detailsOf(buildElf({ type: 3 }, pie))).toMatchObject({ kind: 'static-pie', static: true });
    expect(detailsOf(buildElf({ type: 3 }, () => []))).toMatchObject({ kind: 'library', static: false });
    expect(detailsOf(buildElf({ type: 1 }, () => []))).toMatchObject({ kind: 'object', static: false });
  });

  it('contain the x86-64 level of the property note, and null without one', () => {
    const property = words([4, 16, 5, 0x00554e47, 0xc0008002, 4, 0b0110, 0]);
    const file = buildElf({ type: 2 }, () => [{ type: PT_NOTE, bytes: property }]);
    expect(detailsOf(file).x86Level).toBe(3);
    expect(detailsOf(buildElf({ type: 2 }, () => [])).x86Level).toBeNull();
  });

  it('ignore the property note of x86 in a program of another machine', () => {
    const property = words([4, 16, 5, 0x00554e47, 0xc0008002, 4, 0b0110, 0]);
    const file = buildElf({ type: 2, machine: 183 }, () => [{ type: PT_NOTE, bytes: property }]);
    expect(detailsOf(file).x86Level).toBeNull();
  });

  it('contain the oldest kernel of the ABI note', () => {
    const note = words([4, 16, 1, 0x00554e47, 0, 3, 7, 0]);
    const file = buildElf({ type: 2 }, () => [{ type: PT_NOTE, bytes: note, align: 4n }]);
    expect(detailsOf(file).minimumKernel).toBe('3.7.0');
  });

  it('contain the extensions in the attributes of a RISC-V program', () => {
    const arch = text('rv64i2p1_m2p0_a2p1_zicsr2p0\0');
    const attributes = new Uint8Array(1 + 4 + 6 + 5 + 1 + arch.length);
    attributes.set([0x41, attributes.length - 1]);
    attributes.set([...text('riscv\0'), 1, 6 + arch.length], 5);
    attributes.set([5, ...arch], 16);
    const file = buildElf({ type: 2, machine: 243, flags: 5 }, () => [
      { type: PT_RISCV_ATTRIBUTES, bytes: attributes },
    ]);
    expect(detailsOf(file).abi).toEqual(['double-float', 'RVC', 'rv64ima_zicsr']);
  });

  it.each([
    ['hard-float ARM', { machine: 40, class: 32, flags: 0x05000400 }, ['EABI5', 'hard-float']],
    ['soft-float ARM', { machine: 40, class: 32, flags: 0x05000200 }, ['EABI5', 'soft-float']],
    ['ARM before EABI', { machine: 40, class: 32, flags: 2 }, ['old ABI']],
    ['MIPS n32', { machine: 8, class: 32, flags: 0x80000026 }, ['n32', 'mips64r2']],
    ['MIPS o32 with 2008 NaNs', { machine: 8, class: 32, flags: 0x70001400 }, ['o32', 'mips32r2', 'nan2008']],
    ['MIPS n64', { machine: 8, class: 64, flags: 0x80000007 }, ['n64', 'mips64r2']],
    ['x32', { machine: 62, class: 32 }, ['x32']],
    ['big-endian POWER without a version', { machine: 21, byteOrder: 'big' }, ['ELFv1']],
    ['little-endian POWER', { machine: 21, flags: 2 }, ['ELFv2']],
    ['LoongArch', { machine: 258, flags: 0x43 }, ['double-float']],
    ['x86-64', { machine: 62 }, []],
  ] as const)('name the ABI of %s', (_, fields, abi) => {
    expect(detailsOf(buildElf({ type: 2, ...fields }, () => [])).abi).toEqual(abi);
  });

  it('contain the size that the loadable segments need, also if the file is shorter', () => {
    const file = dynamicProgram();
    expect(detailsOf(file).loadedSize).toBe(BigInt(file.length));
    const cut = detailsOf(file.subarray(0, file.length - 100));
    expect(cut.loadedSize).toBe(BigInt(file.length));
    expect(cut.problems).toEqual([expect.stringMatching(/^truncated file: bytes \d+ to \d+ are missing$/)]);
  });

  it('name each damaged part and still contain the others', () => {
    const file = buildElf({}, (offsets) => [
      interpreter('/lib/ld.so'),
      {
        type: PT_DYNAMIC,
        bytes: dynamic([
          [1, 1],
          [5, (offsets[1] ?? 0) + 0x100000],
        ]),
      },
    ]);
    const { interpreter: loader, needed, problems } = detailsOf(file);
    expect({ loader, needed }).toEqual({ loader: '/lib/ld.so', needed: [] });
    expect(problems).toEqual([expect.stringMatching(/^address 0x[0-9a-f]+ is in no segment of the file$/)]);
  });
});

describe('hostile files', () => {
  it('are decoded or refused with bounded reads, whatever bytes change', () => {
    const original = dynamicProgram();
    const change = fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { maxLength: 12 });
    fc.assert(
      fc.property(change, fc.nat(original.length), (changes, length) => {
        const file = original.slice(0, length);
        for (const [at, value] of changes) if (at < length) file[at] = value;
        expectBounded(file);
      }),
      { numRuns: 2000 },
    );
  });

  it('are decoded or refused, also if they are random after the magic', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4096 }), (file) => {
        file.set(
          [0x7f, 0x45, 0x4c, 0x46, 1 + ((file[4] ?? 0) % 2), 1 + ((file[5] ?? 0) % 2)].slice(0, file.length),
        );
        expectBounded(file);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Expects a result or one of our errors, and no read above 64 KiB. */
function expectBounded(file: Uint8Array): void {
  const read = (offset: number, length: number): Uint8Array => {
    expect(length).toBeLessThanOrEqual(65536);
    expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true);
    return file.subarray(offset, offset + length);
  };
  try {
    readDetails(read);
  } catch (error) {
    expect(isBinfmtctlError(error)).toBe(true);
  }
}
