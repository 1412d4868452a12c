import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink, stat } from 'node:fs/promises';
import { type Linkage, readLinkage } from '../elf/linkage.ts';
import { BinfmtctlError } from '../errors.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { kindOf } from '../system/file/file-kind.ts';
import { isExecutable } from '../system/file/is-file.ts';
import { flagsAt } from '../system/namespace/mounts.ts';
import { notFound, unfit } from './unfit.ts';

/** What is read of an emulator's file. */
export interface EmulatorProgram {
  readonly linkage: Linkage;
  /** The first 256 bytes, or all where it is shorter. */
  readonly head: Uint8Array;
}

const MOVE_HINT =
  'move it to a file system mounted without noexec; for an emulator of the store, choose another store with --store';
const HEAD_SIZE = 256;
/** e_type ET_EXEC and ET_DYN: all that fs/binfmt_elf.c load_elf_binary() runs. */
const RUNNABLE_TYPES = [2, 3];

/**
 * Reads what tells whether a file is a program; neither a pipe nor a device is ever opened.
 *
 * @param name what messages call it
 * @throws EMULATOR_NOT_FOUND for a path without file, a dangling link too; EMULATOR_UNFIT for a folder, pipe or device and
 * a file that is not executable; NOT_ELF, BAD_ELF.
 */
export async function readProgram(path: string, name = path): Promise<EmulatorProgram> {
  const facts = await factsOf(path, name);
  if (!facts.isFile()) throw unfit(name, `it is ${kindOf(facts)}`);
  // access(2) says yes to root for a file that anybody may execute; a mount with noexec makes it say no.
  const hasExecuteBit = (facts.mode & 0o111) !== 0;
  if (!hasExecuteBit || !isExecutable(path)) {
    if (hasExecuteBit && flagsAt(path).includes('noexec'))
      throw unfit(name, 'its file system is mounted noexec', MOVE_HINT);
    throw unfit(name, 'it is not executable');
  }
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const readAt = async (offset: number, length: number): Promise<Uint8Array> => {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    };
    const linkage = await readLinkage(readAt);
    if (RUNNABLE_TYPES.includes(linkage.header.type)) return { linkage, head: await readAt(0, HEAD_SIZE) };
  } catch (cause) {
    if (!(cause instanceof BinfmtctlError)) throw fileError(cause, `read the emulator ${name}`);
    throw new BinfmtctlError(cause.code, `${name} cannot be the emulator: ${cause.message}`, {
      hint: 'an emulator is an ELF program; a script around one cannot serve chroots and containers',
      cause,
    });
  }
  throw unfit(name, 'it is an ELF file but no program');
}

async function factsOf(path: string, name: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    const link = await lstat(path).then(
      (facts) => facts.isSymbolicLink(),
      () => false,
    );
    const absent = ['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? '');
    if (link && absent)
      throw notFound(name, `it is a link to ${await readlink(path)}, which does not exist`, cause);
    if (absent) throw notFound(name, 'no such file', cause);
    throw fileError(cause, `look at the emulator ${name}`);
  }
}
