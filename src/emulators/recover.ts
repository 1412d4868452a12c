import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { EmulatorProfile } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { storedName } from './names.ts';
import type { StoreOptions } from './store/lock.ts';
import { keep } from './store/writer.ts';
import type { Candidate } from './types.ts';
import { ANOTHER } from './unfit.ts';

/** A program of the guest's arch that runs through the entry and waits. The caller creates it. */
export interface WaitingProgram {
  readonly pid: number;
  /** Stops it and waits for its end. */
  readonly end: () => Promise<void>;
}

/**
 * Copies the emulator that an entry with flag F holds into the store, even if its file was removed: while a program runs through
 * the entry, /proc/PID/exe is the file that the kernel opened at registration (proc_pid_exe(5)).
 *
 * @throws EMULATOR_NOT_FOUND if the program exits too early; errors of `start` and the store.
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
    const what = `cannot read the emulator ${path} of entry ${entry} from a running process`;
    throw new BinfmtctlError('EMULATOR_NOT_FOUND', what, { hint: ANOTHER, cause });
  }
}
