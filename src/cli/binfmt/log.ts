import type { Context } from '../../context.ts';
import { onOneLine } from '../output/terminal.ts';

/** Prints a line on standard error, as Go's package log does without a timestamp. */
export const log = (text: string): void => void process.stderr.write(`${onOneLine(text)}\n`);

/** Prints warnings only: scripts do not need progress. */
export const warn: Context['report'] = (progress) => {
  if (progress.kind === 'warning') log(`warning: ${progress.text}`);
};
