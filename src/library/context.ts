/** The context of an operation, from the options that all functions of the library have. */
import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import { BINFMT_DIRECTORY } from '../binfmt/directory.ts';
import type { Context, Progress } from '../context.ts';
import { defaultStore } from '../emulators/store/location.ts';
import { BinfmtctlError, interrupted, isBinfmtctlError, isInterruption } from '../errors.ts';
import { loadCatalogue } from '../profiles/load.ts';
import { removeLeftovers } from '../system/temporary.ts';
import { maskSecrets } from '../text/secrets.ts';
import { FUNCTION, type OptionChecks, SIGNAL, TEXT, TEXTS, toList } from './options.ts';

/** Options of every operation. */
export interface OperationOptions {
  /** Directory of emulators, registrations and the journal. Default: `/var/lib/binfmtctl` for root, otherwise `~/.local/share/binfmtctl`. */
  readonly store?: string | undefined;
  /** Mount point of the binfmt_misc instance. Default: `/proc/sys/fs/binfmt_misc`. */
  readonly binfmtDirectory?: string | undefined;
  /** Directories of additional profiles. Default: none. */
  readonly catalogue?: string | readonly string[] | undefined;
  /** Cancels the operation, which then rolls back its changes and rejects with code `INTERRUPTED`. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Receives stages, downloaded bytes and warnings while the operation runs. Default: none. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export const OPERATION_CHECKS: OptionChecks<OperationOptions> = {
  store: TEXT,
  binfmtDirectory: TEXT,
  catalogue: TEXTS,
  signal: SIGNAL,
  onProgress: FUNCTION,
};

/** Runs an operation with its context. @throws INTERRUPTED once the signal is aborted. */
export async function withContext<T>(
  call: string,
  options: OperationOptions,
  operate: (context: Context) => Promise<T>,
): Promise<T> {
  // A signal of its own: every program that is started listens to it, dozens at a time.
  const signal = AbortSignal.any(options.signal === undefined ? [] : [options.signal]);
  setMaxListeners(0, signal);
  if (signal.aborted) throw interrupted(signal, `starting ${call}()`);
  try {
    removeLeftovers();
    return await operate({
      catalogue: await loadCatalogue(toList(options.catalogue)),
      binfmtDirectory: resolve(options.binfmtDirectory ?? BINFMT_DIRECTORY),
      // Entries name emulators of the store by their absolute path.
      store: resolve(options.store ?? defaultStore(process.env, process.geteuid?.() ?? 0)),
      report: reporter(options.onProgress),
      signal,
    });
  } catch (failure) {
    throw asInterruption(call, failure, signal);
  }
}

/** The INTERRUPTED error for a failure that the abort caused. A failed rollback is reported as such. */
export function asInterruption(call: string, failure: unknown, signal: AbortSignal): unknown {
  const isRollback = isBinfmtctlError(failure) && failure.code === 'ROLLBACK_FAILED';
  if (!signal.aborted || isInterruption(failure) || isRollback) return failure;
  const message = failure instanceof Error ? failure.message : String(failure);
  return new BinfmtctlError('INTERRUPTED', `${call}() was interrupted: ${message}`, { cause: signal.reason });
}

/** An exception in the caller's function must not end a transaction half-way. */
function reporter(onProgress: OperationOptions['onProgress']): Context['report'] {
  if (onProgress === undefined) return () => {};
  return (progress) => {
    try {
      onProgress(progress.kind === 'bytes' ? progress : { ...progress, text: maskSecrets(progress.text) });
    } catch (error) {
      process.emitWarning(
        `onProgress threw: ${error instanceof Error ? error.message : String(error)}`,
        'BinfmtctlWarning',
      );
    }
  };
}
