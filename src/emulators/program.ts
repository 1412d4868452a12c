import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink, stat } from 'node:fs/promises';
import { type Linkage, readLinkage } from '../elf/linkage.ts';
import { BinfmtctlError } from '../errors.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { kindOf } from '../system/file/file-kind.ts';
import { isExecutable } from '../system/file/is-file.ts';
import { flagsAt } from '../system/namespace/mounts.ts';
import { cannotUse, notFound, unfit } from './unfit.ts';

/** The linkage and the head of an emulator's file. */
export interface EmulatorProgram {
  readonly linkage: Linkage;
  /** The first 256 bytes, or all if the file is shorter. */
  readonly head: Uint8Array;
}

const MOVE_HINT =
  'use an emulator on a file system mounted without noexec; if it is in the store, choose another store with --store';
const HEAD_SIZE = 256;
/** e_type ET_EXEC and ET_DYN, the only types that fs/binfmt_elf.c load_elf_binary() accepts. */
const RUNNABLE_TYPES = [2, 3];

/**
 * Reads an emulator's file and checks that it is a program. Never opens a pipe or a device.
 *
 * @param name the file's name in messages
 * @throws EMULATOR_NOT_FOUND for a missing file or a dangling link; EMULATOR_UNFIT for a directory, a pipe, a device or a file
 * that is not executable; NOT_ELF, BAD_ELF.
 */
export async function readProgram(path: string, name = path): Promise<EmulatorProgram> {
  const facts = await factsOf(path, name);
  if (!facts.isFile()) throw unfit(name, `it is ${kindOf(facts)}`);
  // For root, access(2) succeeds if the file has any execute bit, except on a noexec mount.
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
    throw new BinfmtctlError(cause.code, `${cannotUse(name)}: ${cause.message}`, {
      hint: 'use an ELF program: a wrapper script does not work in chroots and containers',
      cause,
    });
  }
  throw unfit(name, 'it is an ELF file, but not a program');
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
      throw notFound(name, `it links to ${await readlink(path)}, which does not exist`, cause);
    if (absent) throw notFound(name, 'no such file', cause);
    throw fileError(cause, `examine the emulator ${name}`);
  }
}
