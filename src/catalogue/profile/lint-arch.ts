/** Checks an arch: its magic, decoded as an ELF header, must agree with its identity. */
import { decodeHeader } from '../../elf/header.ts';
import { buildProbe } from '../../elf/probe.ts';
import type { ElfHeader, ElfIdentity } from '../../elf/types.ts';
import { parseHex } from '../../rule/hex.ts';
import type { Arch, Catalogue } from '../types.ts';
import type { ProfileProblem } from './schema.ts';

/** Size of the larger ELF header: a magic padded to it can be decoded. */
const HEADER_SIZE = 64;
/** `e_ident` up to EI_VERSION, and e_machine: without them, other files would match. */
const ALWAYS_COMPARED = [0, 1, 2, 3, 4, 5, 6, 18, 19];
/** Offset of e_flags, by class. */
const FLAGS_AT = { 32: 36, 64: 48 } as const;

/** Finds problems of an arch's bytes and of the ids that it names. */
export function lintArch(arch: Arch, { arches }: Catalogue): readonly ProfileProblem[] {
  const magic = parseHex(arch.magic) ?? new Uint8Array();
  const mask = parseHex(arch.mask) ?? new Uint8Array();
  const unknown = arch.compat.flatMap((id, index) =>
    Object.hasOwn(arches, id) ? [] : [{ path: ['compat', index], message: `unknown arch ${id}` }],
  );
  return [
    ...lintIdentity(arch, magic),
    ...lintMask(arch, magic, mask),
    ...lintFlags(arch, magic, mask),
    ...lintProbe(arch),
    ...unknown,
  ];
}

function lintIdentity({ elf }: Arch, magic: Uint8Array): readonly ProfileProblem[] {
  const header = decode(magic);
  if (typeof header === 'string') return [{ path: ['magic'], message: `is not an ELF header: ${header}` }];
  const differs = (key: 'class' | 'byteOrder' | 'machine'): readonly ProfileProblem[] =>
    header[key] === elf[key]
      ? []
      : [{ path: ['elf', key], message: `is ${elf[key]}, but the magic says ${header[key]}` }];
  const version =
    magic[6] === 1
      ? []
      : [{ path: ['magic'], message: `has EI_VERSION ${magic[6] ?? 'missing'} at byte 6; expected 1` }];
  return [...differs('class'), ...differs('byteOrder'), ...differs('machine'), ...version];
}

function decode(magic: Uint8Array): ElfHeader | string {
  const bytes = new Uint8Array(HEADER_SIZE);
  bytes.set(magic.subarray(0, HEADER_SIZE));
  try {
    return decodeHeader(bytes);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function lintMask({ masked }: Arch, magic: Uint8Array, mask: Uint8Array): readonly ProfileProblem[] {
  const explained = new Set(masked.flatMap(({ bytes }) => range(bytes)));
  const outside = bytesWhere(magic, (byte, at) => (byte & ~(mask[at] ?? 0)) !== 0);
  const loose = ALWAYS_COMPARED.filter((at) => mask[at] !== 0xff);
  const silent = bytesWhere(mask, (byte, at) => byte !== 0xff && !explained.has(at));
  const wrong = masked.flatMap(({ bytes }, index) =>
    range(bytes).length === 0 || range(bytes).some((at) => (mask[at] ?? 0xff) === 0xff)
      ? [
          {
            path: ['masked', index, 'bytes'],
            message: `${bytes}: not a range of bytes that the mask compares partly or ignores`,
          },
        ]
      : [],
  );
  return [
    ...outside.map((at) => ({ path: ['magic'], message: `byte ${at} has bits outside the mask` })),
    ...loose.map((at) => ({
      path: ['mask'],
      message: `byte ${at} must be compared completely: programs of another arch would match`,
    })),
    ...silent
      .filter((at) => !loose.includes(at))
      .map((at) => ({
        path: ['mask'],
        message: `byte ${at} is not compared completely, and \`masked\` gives no reason`,
      })),
    ...wrong,
  ];
}

/** The magic and mask must compare e_flags exactly as the identity says. */
function lintFlags({ elf }: Arch, magic: Uint8Array, mask: Uint8Array): readonly ProfileProblem[] {
  const expected = elf.flags ?? { value: 0, mask: 0 };
  const compared = flagsIn(mask, elf);
  const value = flagsIn(magic, elf);
  if (compared === expected.mask && value === expected.value) return [];
  const hex = (word: number): string => `0x${word.toString(16)}`;
  return [
    {
      path: ['elf', ...(elf.flags ? ['flags'] : [])],
      message: `e_flags are compared as ${hex(value)} under ${hex(compared)}, but the identity says ${hex(expected.value)} under ${hex(expected.mask)}`,
    },
  ];
}

function flagsIn(bytes: Uint8Array, elf: ElfIdentity): number {
  const word = new DataView(new ArrayBuffer(4));
  for (let index = 0; index < 4; index++) word.setUint8(index, bytes[FLAGS_AT[elf.class] + index] ?? 0);
  return word.getUint32(0, elf.byteOrder === 'little');
}

function lintProbe({ elf, probe }: Arch): readonly ProfileProblem[] {
  try {
    buildProbe(elf, probe);
    return [];
  } catch (error) {
    return [{ path: ['probe'], message: error instanceof Error ? error.message : String(error) }];
  }
}

/** `9-15` → 9 to 15. */
function range(bytes: string): readonly number[] {
  const [first = 0, last = first] = bytes.split('-').map(Number);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

const bytesWhere = (bytes: Uint8Array, holds: (byte: number, at: number) => boolean): number[] =>
  [...bytes.keys()].filter((at) => holds(bytes[at] ?? 0, at));
