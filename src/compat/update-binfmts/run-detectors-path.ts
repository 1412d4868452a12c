import { join } from 'node:path';
import { isExecutable } from '../../system/file/is-file.ts';

/** The path in binfmt-support's update-binfmts. */
const ORIGINAL = '/usr/lib/binfmt-support/run-detectors';

/** A script in the directory of this program. */
const OURS = join(import.meta.dirname, 'run-detectors');

/**
 * The program that chooses among formats with the same magic: binfmt-support's if it is installed, because it starts faster
 * and makes entries equal to those of binfmt-support. Only binfmtctl's passes files on to entries of other programs.
 */
export function runDetectorsPath({ passesOn = false } = {}): {
  readonly path: string;
  readonly isScript: boolean;
} {
  if (passesOn) return { path: OURS, isScript: true };
  return isExecutable(ORIGINAL) ? { path: ORIGINAL, isScript: false } : { path: OURS, isScript: true };
}

/** Whether an interpreter is binfmtctl's run-detectors, which passes files on. */
export const passesFilesOn = (interpreter: string): boolean => interpreter === OURS;

/** Whether an interpreter is one of the two run-detectors. */
export const isRunDetectors = (interpreter: string): boolean => [ORIGINAL, OURS].includes(interpreter);
