/** What the modes of update-binfmts share: the folders they work on, and how they speak. */
import { existsSync } from 'node:fs';
import type { Context } from '../../context.ts';
import { isBinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { strerror } from '../../system/strerror.ts';

export interface Session {
  /** Where the admin files are: /var/lib/binfmts. */
  readonly adminDirectory: string;
  /** Where packages put their format files: /usr/share/binfmts. */
  readonly importDirectory: string;
  /** Say what would be done, and do nothing. */
  readonly test: boolean;
  readonly context: Context;
  /** A line of standard error. */
  readonly say: (text: string) => void;
  /** The same as a warning; what goes on after it decides the exit status. */
  readonly warn: (text: string) => void;
  /** Text of the result, as it is. */
  readonly print: (text: string) => void;
}

/** Whether the kernel has an entry of that name, enabled or not; as update-binfmts asks, by the name of a file. */
export const isRegistered = ({ context }: Session, name: string): boolean =>
  existsSync(pathBytes(`${context.binfmtDirectory}/${name}`));

/** The kernel's reason in an error of Node or of ours, in the words of C. */
export function reasonOf(error: unknown): string {
  const errno = errnoOf(isBinfmtctlError(error) ? error.cause : error);
  if (errno !== null) return strerror(errno);
  return error instanceof Error ? error.message : String(error);
}
