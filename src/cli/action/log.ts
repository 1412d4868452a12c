import { info, warning } from '@actions/core';
import { onOneLine } from '../output/terminal.ts';

/** A line of the command's: a warning is an annotation, anything else goes to the log as it is. */
export function showLine(line: string): void {
  const warned = /^warning: (.*)$/.exec(line)?.[1];
  if (warned === undefined) info(withoutCommands(line));
  else warn(warned);
}

const said = new Set<string>();

/**
 * An annotation. What is said of architectures is said once, however many they are: emulators are looked at when they are
 * fetched, and again when they are installed.
 */
export function warn(text: string): void {
  const what = text.replace(/^[\w, ]+: /, '');
  if (!said.has(what)) warning(text);
  said.add(what);
}

/** The runner takes a line of the log that begins with `::`, or has `##[`, for a command to itself. */
export const withoutCommands = (line: string): string =>
  onOneLine(line).replaceAll('::', ': :').replaceAll('##[', '# #[');
