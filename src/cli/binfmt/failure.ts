import type { BinfmtctlError } from '../../errors.ts';
import { failureLine } from '../failure.ts';

/** Options that a hint may name: those of this drop-in and of `docker run`. */
const KNOWN = ['--install', '--uninstall', '--mount', '--privileged', '--userns', '--network'];
const IN_THE_WAY: readonly string[] = ['ENTRY_NOT_OURS', 'ENTRY_EXISTS'];

/** A failure on one line, with its hint unless the hint names options that this drop-in lacks. */
export function lineOf(error: BinfmtctlError): string {
  const { code, message } = error;
  if (IN_THE_WAY.includes(code))
    return failureLine({ message, hint: 'remove that entry with --uninstall first' });
  const options = error.hint?.match(/--[a-z][\w-]*/g) ?? [];
  const isOurs = options.every((option) => KNOWN.includes(option));
  return failureLine({ message, hint: isOurs ? error.hint : undefined });
}
