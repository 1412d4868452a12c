import { BinfmtctlError, isBinfmtctlError } from '../../errors.ts';

/**
 * The failure, without a hint that names an option which the drop-in lacks: hints are written for our own commands. Commands in
 * backquotes are whole, and stay.
 */
export function withDropInHint(failure: unknown, options: readonly string[]): unknown {
  if (!isBinfmtctlError(failure) || failure.hint === undefined) return failure;
  const named = failure.hint.replace(/`[^`]*`/g, '').match(/--[a-z][\w-]*/g) ?? [];
  if (named.every((option) => options.includes(option))) return failure;
  return new BinfmtctlError(failure.code, failure.message, { cause: failure.cause });
}
