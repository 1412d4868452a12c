import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { EmulatorProfile } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { storedName } from './names.ts';
import type { StoreOptions } from './store/lock.ts';
import { keep } from './store/writer.ts';
import type { Candidate } from './types.ts';

/** A program of the guest's arch that runs through the entry and waits; made by the caller. */
export interface WaitingProgram {
  readonly pid: number;
  /** Ends it and waits for that. */
  readonly end: () => Promise<void>;
}

/**
 * Copies the emulator that an F entry holds into the store, also where its file is gone from the disk: while a program
 * runs through it, /proc/PID/exe is the very file that the kernel opened at registration (proc_pid_exe(5)).
 *
 * @throws EMULATOR_NOT_FOUND where the program has ended before; what `start` and the store throw.
 */
export async function recoverFromEntry(
  candidate: Candidate,
  profile: EmulatorProfile,
  { store, ...options }: StoreOptions & { readonly store: string },
  start: () => Promise<WaitingProgram>,
): Promise<Candidate> {
  const program = await start();
  try {
    await using file = await openExe(program.pid, candidate);
    const name = storedName(profile, candidate.guest, candidate.path);
    const { path } = await keep(store, name, file.createReadStream({ autoClose: false }), options);
    return { ...candidate, path, origin: 'store' };
  } finally {
    await program.end();
  }
}

async function openExe(pid: number, { entry, path }: Candidate) {
  try {
    return await open(`/proc/${pid}/exe`, constants.O_RDONLY);
  } catch (cause) {
    const what = `the emulator ${path} of entry ${entry} cannot be read from a process that it runs`;
    throw new BinfmtctlError('EMULATOR_NOT_FOUND', what, {
      hint: 'take another with --source, or leave it out to have one fetched',
      cause,
    });
  }
}
