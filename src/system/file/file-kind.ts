import type { Stats } from 'node:fs';
import { BinfmtctlError } from '../../errors.ts';

/** The kind of a file, for messages: `a named pipe`. */
export function kindOf(
  facts: Pick<Stats, 'isFile' | 'isDirectory' | 'isSymbolicLink' | 'isFIFO' | 'isSocket'>,
): string {
  if (facts.isFile()) return 'a regular file';
  if (facts.isDirectory()) return 'a directory';
  if (facts.isSymbolicLink()) return 'a symbolic link';
  if (facts.isFIFO()) return 'a named pipe';
  return facts.isSocket() ? 'a socket' : 'a device';
}

/** FILE_FAILED for a file that is not regular. `what` names operation and file, as in `read /etc/x`. */
export const notRegular = (what: string, facts: Parameters<typeof kindOf>[0]): BinfmtctlError =>
  new BinfmtctlError('FILE_FAILED', `cannot ${what}: it is ${kindOf(facts)}`, {
    hint: 'use another path: only regular files are supported here',
  });
