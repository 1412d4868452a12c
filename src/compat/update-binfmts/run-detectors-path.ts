import { join } from 'node:path';
import { isExecutable } from '../../system/file/is-file.ts';

/** Compiled into binfmt-support's update-binfmts. */
const ORIGINAL = '/usr/lib/binfmt-support/run-detectors';

/** A script beside this program. */
const OURS = join(import.meta.dirname, 'run-detectors');

/**
 * The program that chooses among formats of one magic, for the kernel to start: binfmt-support's where it is installed,
 * since it starts faster and entries are then the same whoever made them. Only ours passes files on to entries that
 * others have registered.
 */
export function runDetectorsPath({ passesOn = false } = {}): {
  readonly path: string;
  readonly isScript: boolean;
} {
  if (passesOn) return { path: OURS, isScript: true };
  return isExecutable(ORIGINAL) ? { path: ORIGINAL, isScript: false } : { path: OURS, isScript: true };
}

/** Whether an entry's interpreter is the one that passes files on. */
export const passesFilesOn = (interpreter: string): boolean => interpreter === OURS;

/** Whether an entry's interpreter is one of the two. */
export const isRunDetectors = (interpreter: string): boolean => [ORIGINAL, OURS].includes(interpreter);
