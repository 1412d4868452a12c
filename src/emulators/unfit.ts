import { BinfmtctlError } from '../errors.ts';

export const ANOTHER = 'use another emulator with --source, or omit --source to fetch one';

/** The start of messages about a file that is not a usable emulator. */
export const cannotUse = (path: string): string => `cannot use ${path} as the emulator`;

/** EMULATOR_UNFIT for the file at `path`. `why` is a clause: `it is a directory`. */
export function unfit(path: string, why: string, hint = ANOTHER): BinfmtctlError {
  return new BinfmtctlError('EMULATOR_UNFIT', `${cannotUse(path)}: ${why}`, { hint });
}

/** EMULATOR_NOT_FOUND for the file at `path`. `why` is a clause: `no such file`. */
export function notFound(path: string, why: string, cause: unknown): BinfmtctlError {
  return new BinfmtctlError('EMULATOR_NOT_FOUND', `emulator not found: ${path}: ${why}`, {
    hint: ANOTHER,
    cause,
  });
}
