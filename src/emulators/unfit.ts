import { BinfmtctlError } from '../errors.ts';

const ANOTHER = 'name another with --source, or leave it out to have one fetched';

/** EMULATOR_UNFIT for the file at `path`; `why` says what it is or does: `it is a folder`. */
export function unfit(path: string, why: string, hint = ANOTHER): BinfmtctlError {
  return new BinfmtctlError('EMULATOR_UNFIT', `${path} cannot be the emulator: ${why}`, { hint });
}

/** EMULATOR_NOT_FOUND: `why` says what there is in its place. */
export function notFound(path: string, why: string, cause: unknown): BinfmtctlError {
  return new BinfmtctlError('EMULATOR_NOT_FOUND', `there is no emulator at ${path}: ${why}`, {
    hint: ANOTHER,
    cause,
  });
}
