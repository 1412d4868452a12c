/** Reads the symbol versions that a program requires (Linux Standard Base, "Symbol Versioning"). Pure. */
import { fieldReader } from '../fields.ts';
import type { ElfHeader } from '../types.ts';
import { readExactly } from './read.ts';
import type { ReadBytes, RequiredVersions } from './types.ts';

/** Bytes of Elf_Verneed and Elf_Vernaux in both classes. */
const RECORD_SIZE = 16;
/** Programs have fewer than 50 libraries with fewer than 50 versions each. */
const MAX_RECORDS = 2000;

interface VersionTable {
  readonly header: ElfHeader;
  /** Offset of the first Verneed record in the file. */
  readonly start: bigint;
  /** DT_VERNEEDNUM. */
  readonly count: bigint;
  readonly nameAt: (index: bigint) => string;
}

/** @throws BAD_ELF for records or names outside the file. Stops after 2,000 records. */
export function readRequiredVersions(
  read: ReadBytes,
  { header, start, count, nameAt }: VersionTable,
): readonly RequiredVersions[] {
  const required: RequiredVersions[] = [];
  let left = MAX_RECORDS;
  let at = start;
  for (let index = 0n; index < count && left-- > 0; index++) {
    const need = record(read, at, header);
    need.half();
    const versionCount = need.half();
    const library = nameAt(BigInt(need.word()));
    let auxiliary = at + BigInt(need.word());
    const next = need.word();
    const versions: string[] = [];
    for (let each = 0; each < versionCount && left-- > 0; each++) {
      const version = record(read, auxiliary, header);
      version.word();
      version.word();
      versions.push(nameAt(BigInt(version.word())));
      const step = version.word();
      if (step === 0) break;
      auxiliary += BigInt(step);
    }
    required.push({ library, versions });
    if (next === 0) break;
    at += BigInt(next);
  }
  return required;
}

const record = (read: ReadBytes, offset: bigint, header: ElfHeader) =>
  fieldReader(readExactly(read, offset, RECORD_SIZE), 0, header);
