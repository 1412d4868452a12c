import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { runningHead } from './process/running-head.ts';

/** linux/auxvec.h AT_PAGESZ. */
const PAGE_SIZE = 6;
/** Offset of EI_CLASS in an ELF header, and the value ELFCLASS64. */
const CLASS = 4;
const WIDE = 2;

/** The page size of the running kernel, from the auxiliary vector (proc_pid_auxv(5)); null without /proc. */
export function pageSize(): number | null {
  try {
    const wide = runningHead()[CLASS] === WIDE;
    return pageSizeIn(readFileSync('/proc/self/auxv'), wide ? 8 : 4, { little: endianness() === 'LE' });
  } catch {
    return null;
  }
}

/** Finds the page size in an auxiliary vector, which consists of pairs of words. */
export function pageSizeIn(
  vector: Buffer,
  word: 4 | 8,
  { little }: { readonly little: boolean },
): number | null {
  const wordAt = (at: number): bigint => {
    const bytes = [...vector.subarray(at, at + word)];
    return (little ? bytes.toReversed() : bytes).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  };
  for (let at = 0; at + 2 * word <= vector.length; at += 2 * word)
    if (wordAt(at) === BigInt(PAGE_SIZE)) return Number(wordAt(at + word));
  return null;
}
