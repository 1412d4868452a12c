import { styleText } from 'node:util';

type Colour = 'red' | 'yellow' | 'green' | 'dim' | 'bold';

/** Colours text for standard error or output, on a terminal only, unless `--no-color` or NO_COLOR says no. */
export function paint(colour: Colour, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  // Node would judge by standard output, whichever stream it is for, and by CI.
  return stream.isTTY && colourWanted() ? styleText(colour, text, { validateStream: false }) : text;
}

/** Rows in columns as wide as their widest cell, two blanks between them; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return rows
    .map((row, index) => (index === 0 ? paint('bold', line(row), process.stdout) : line(row)))
    .join('\n');
}

/** A path for a table: the hash in a store's path is shortened; `--json` has it whole. */
export const shortPath = (path: string): string => path.replace(/\/([0-9a-f]{12})[0-9a-f]{52}\//, '/$1…/');

function colourWanted(): boolean {
  return !process.env['NO_COLOR'] && !process.argv.includes('--no-color');
}

/** Other programs' words and names of files may have lines, and what moves a terminal's cursor. */
export function onOneLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, '; ');
  return line.replace(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
