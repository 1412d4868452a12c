import { info, warning } from '@actions/core';
import { onOneLine } from '../output/terminal.ts';

/** Logs a line of the command: a warning becomes an annotation, any other line stays as it is. */
export function showLine(line: string): void {
  const warned = /^warning: (.*)$/.exec(line)?.[1];
  if (warned === undefined) info(withoutCommands(line));
  else warn(warned);
}

const said = new Set<string>();

/**
 * Adds an annotation. A warning about architectures appears once: emulators are inspected when they are fetched and again
 * when they are installed.
 */
export function warn(text: string): void {
  const what = text.replace(/^[\w, ]+: /, '');
  if (!said.has(what)) warning(text);
  said.add(what);
}

/** The runner interprets log lines that begin with `::` or contain `##[` as commands. */
export const withoutCommands = (line: string): string =>
  onOneLine(line).replaceAll('::', ': :').replaceAll('##[', '# #[');
