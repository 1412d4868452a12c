/** What a person sees: the command on a terminal of its own, and the screen that its output leaves. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { quote } from '../../../src/text/shell.ts';
import { finished } from './command.ts';

export interface Screen {
  readonly status: number | null;
  /** All that was written, cursor codes included. */
  readonly written: string;
  /** What is left on the screen, without colours. */
  readonly text: string;
}

/** Runs the command on a terminal of that many columns. */
export async function onTerminal(
  words: readonly string[],
  {
    columns = 80,
    env = {},
  }: { readonly columns?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Screen> {
  const command = [process.execPath, resolve('dist/cli.cjs'), ...words].map(quote).join(' ');
  const child = spawn('script', ['-qec', `stty cols ${columns} rows 50; exec ${command}`, '/dev/null'], {
    env: { ...process.env, LANG: 'C.UTF-8', TERM: 'xterm', CI: '', NO_COLOR: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { status, stdout } = await finished(child);
  const written = stdout.replaceAll('\r\n', '\n');
  return { status, written, text: screenOf(written) };
}

const ESCAPE = String.fromCharCode(27);
const TOKEN = new RegExp(`${ESCAPE}\\[\\??[\\d;]*[A-Za-z]|[^${ESCAPE}]|${ESCAPE}`, 'gs');

/** Interprets the cursor codes that a renderer of progress uses. */
function screenOf(written: string): string {
  const lines = [''];
  let [row, column] = [0, 0];
  for (const [token] of written.matchAll(TOKEN)) {
    if (token === '\n') [row, column] = [row + 1, 0];
    else if (token === '\r') column = 0;
    else if (token.endsWith('[2K')) lines[row] = '';
    else if (token.endsWith('[1A')) row = Math.max(0, row - 1);
    else if (token.endsWith('[G')) column = 0;
    else if (token.startsWith(ESCAPE)) continue;
    else {
      lines[row] = (lines[row] ?? '').padEnd(column).slice(0, column) + token;
      column += 1;
    }
    lines[row] ??= '';
  }
  return lines.join('\n');
}
