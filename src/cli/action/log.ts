import { info, warning } from '@actions/core';
import { onOneLine } from '../terminal.ts';

/** A line of the command's: a warning is an annotation, anything else goes to the log as it is. */
export function showLine(line: string): void {
  const warned = /^warning: (.*)$/.exec(line)?.[1];
  if (warned === undefined) info(harmless(line));
  else warning(warned);
}

/** The runner takes a line of the log that begins with `::`, or has `##[`, for a command to itself. */
export const harmless = (line: string): string =>
  onOneLine(line).replaceAll('::', ': :').replaceAll('##[', '# #[');
