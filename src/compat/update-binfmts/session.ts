/** The directories and outputs that all modes of update-binfmts share. */
import { existsSync } from 'node:fs';
import type { Context } from '../../context.ts';
import { isBinfmtctlError } from '../../errors.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { strerror } from '../../system/strerror.ts';

export interface Session {
  /** Directory of the admin files, by default /var/lib/binfmts. */
  readonly adminDirectory: string;
  /** Directory of packages' format files, by default /usr/share/binfmts. */
  readonly importDirectory: string;
  /** Only print what would be done. */
  readonly test: boolean;
  readonly context: Context;
  /** Prints a line to standard error. */
  readonly say: (text: string) => void;
  /** Prints a warning, which does not determine the exit status. */
  readonly warn: (text: string) => void;
  /** Prints text of the result unchanged. */
  readonly print: (text: string) => void;
}

/** Whether the instance has a file of that name, which is how update-binfmts detects an entry. */
export const isRegistered = ({ context }: Session, name: string): boolean =>
  existsSync(pathBytes(`${context.binfmtDirectory}/${name}`));

/** The reason in an error, as strerror(3) describes it. */
export function reasonOf(error: unknown): string {
  const errno = errnoOf(isBinfmtctlError(error) ? error.cause : error);
  if (errno !== null) return strerror(errno);
  return error instanceof Error ? error.message : String(error);
}
