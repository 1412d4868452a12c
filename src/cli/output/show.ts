import type { Progress } from '../../context.ts';
import { withSameOptions } from '../store-options.ts';
import { onOneLine, paint, print } from './terminal.ts';

/** Shows how far an operation is, on standard error. */
export interface Show {
  readonly report: (progress: Progress) => void;
  /** To be called when the operation has ended, before anything else is printed. */
  readonly end: (failed: boolean) => Promise<void>;
}

/** Prints a warning on standard error. */
export const printWarning = (text: string): void =>
  print(`${paint('yellow', 'warning:')} ${onOneLine(withSameOptions(text))}\n`, process.stderr);
