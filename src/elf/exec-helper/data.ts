/** The data of an exec helper: the arguments and the results of its system calls. */
import { BinfmtctlError } from '../../errors.ts';
import { concat, dataAddress } from '../executable.ts';
import { MAX_CONSTANT } from '../isa/types.ts';
import type { HostArch } from './hosts.ts';
import { encodeTerminalFilter, INSTRUCTION_SIZE } from './terminal-filter.ts';

/** A program to execute. No value contains a NUL. */
export interface ExecRequest {
  readonly path: Uint8Array;
  readonly argv: readonly Uint8Array[];
  /** Each `NAME=VALUE`. */
  readonly environment: readonly Uint8Array[];
  /**
   * Makes the current directory the root, then changes to `workdir` in it and becomes `uid`. The program gets its own session
   * keyring. With `filtersTerminal` (terminal-filter.ts) it cannot type into its terminal.
   */
  readonly inside?: ExecRoot | undefined;
}

export interface ExecRoot {
  readonly workdir: Uint8Array;
  readonly uid: number | null;
  readonly filtersTerminal: boolean;
}

/** The calls that must succeed, in the order of their results in the report. */
export const CALLS = ['prctl', 'chroot', 'setuid', 'chdir', 'execve'] as const;

/** Addresses of the parts of the data. */
export interface DataAddresses {
  readonly argv: number;
  readonly environment: number;
  readonly path: number;
  readonly here: number;
  readonly workdir: number;
  /** struct sock_fprog (linux/filter.h). */
  readonly filter: number;
  /** The result of each call. */
  readonly results: Readonly<Record<(typeof CALLS)[number], number>>;
}

/** Offset of the data in file and segment. The code is shorter. */
export const DATA_OFFSET = 0x1000;
/** Size of a result. */
export const RESULT = 4;
/** Longer than any path (PATH_MAX); a multiple of a word together with a result. */
const TOO_LONG = 4096 + RESULT;

/** Encodes the data. The tables come first, because code can only address data near the start. */
export function encodeData(
  { identity, terminal }: HostArch,
  { path, argv, environment, inside }: ExecRequest,
) {
  const word = identity.class / 8;
  const start = dataAddress(DATA_OFFSET);
  const program = guard(path, word);
  const here = guard(new TextEncoder().encode('.'), word);
  const filter = encodeTerminalFilter(terminal, identity.byteOrder);
  const programAt = start + word;
  const hereAt = programAt + program.bytes.length;
  const filterAt = hereAt + here.bytes.length;
  const argvAt = filterAt + 2 * word + filter.length;
  const environmentAt = argvAt + word * (argv.length + 1);
  const textsAt = environmentAt + word * (environment.length + 1);
  if (textsAt > MAX_CONSTANT) throw tooLong();
  const texts = [inside?.workdir ?? new Uint8Array(), ...argv, ...environment];
  const [workdir = 0, ...pointers] = addressesOf(texts, textsAt);
  const bytes = concat([
    new Uint8Array(word),
    program.bytes,
    here.bytes,
    encodeFilterHead(identity, filter.length / INSTRUCTION_SIZE, filterAt + 2 * word),
    filter,
    encodeTable(identity, pointers.slice(0, argv.length)),
    encodeTable(identity, pointers.slice(argv.length)),
    ...texts.flatMap((text) => [text, Uint8Array.of(0)]),
  ]);
  const places: DataAddresses = {
    argv: argvAt,
    environment: environmentAt,
    path: programAt + program.text,
    here: hereAt + here.text,
    workdir,
    filter: filterAt,
    results: {
      prctl: hereAt + here.result,
      // In place of the NULL that ends a table: any other value is an invalid address (EFAULT).
      chroot: environmentAt - word,
      setuid: textsAt - word,
      chdir: programAt + program.result,
      execve: start,
    },
  };
  return { bytes, places };
}

/**
 * Encodes a path, followed by the result of another call. The result 0 terminates the path. Any other value makes the path longer
 * than the kernel accepts.
 */
function guard(text: Uint8Array, word: number) {
  const padding = (word - (text.length % word)) % word;
  const result = padding + text.length;
  const filler = new Uint8Array(TOO_LONG).fill(0x2f);
  return {
    bytes: concat([new Uint8Array(padding), text, new Uint8Array(RESULT), filler]),
    text: padding,
    result,
  };
}

/** struct sock_fprog: the number of instructions and their address. */
function encodeFilterHead({ class: elfClass, byteOrder }: HostArch['identity'], count: number, at: number) {
  const little = byteOrder === 'little';
  const bytes = new Uint8Array(elfClass / 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, count, little);
  if (elfClass === 64) view.setBigUint64(8, BigInt(at), little);
  else view.setUint32(4, at, little);
  return bytes;
}

function addressesOf(texts: readonly Uint8Array[], start: number): readonly number[] {
  let at = start;
  return texts.map((text) => {
    const address = at;
    at += text.length + 1;
    return address;
  });
}

/** Encodes pointers, terminated by NULL. */
function encodeTable({ class: elfClass, byteOrder }: HostArch['identity'], pointers: readonly number[]) {
  const bytes = new Uint8Array((pointers.length + 1) * (elfClass / 8));
  const view = new DataView(bytes.buffer);
  for (const [index, pointer] of pointers.entries()) {
    if (elfClass === 64) view.setBigUint64(index * 8, BigInt(pointer), byteOrder === 'little');
    else view.setUint32(index * 4, pointer, byteOrder === 'little');
  }
  return bytes;
}

const tooLong = (): BinfmtctlError =>
  new BinfmtctlError('PROGRAM_NOT_EXECUTABLE', 'too many arguments and environment variables', {
    hint: 'pass fewer arguments or variables',
  });
