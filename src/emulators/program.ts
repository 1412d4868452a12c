import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Linkage, readLinkage } from '../elf/linkage.ts';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file-error.ts';
import { type FileProblem, findFileProblem } from './interpreter.ts';
import { notFound, unfit } from './unfit.ts';

/** What is read of an emulator's file. */
export interface Program {
  readonly linkage: Linkage;
  /** The first 256 bytes, or all where it is shorter. */
  readonly head: Uint8Array;
}

const ELSEWHERE =
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
export async function readProgram(path: string, name = path): Promise<Program> {
  const problem = findFileProblem(path);
  if (problem !== null) throw problemError(path, name, problem);
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

function problemError(path: string, name: string, { kind, why, cause }: FileProblem): BinfmtctlError {
  switch (kind) {
    case 'missing':
      return notFound(name, `it ${why}`, cause);
    case 'unreadable':
      return fileError(cause, `examine the emulator ${name}`);
    case 'noexec':
      return unfit(name, `it ${why}`, ELSEWHERE);
    case 'not executable':
      return unfit(name, `it ${why}`, `\`chmod 755 ${path}\``);
    case 'irregular':
      return unfit(name, `it ${why}`);
  }
}
