/** Text in columns for a terminal. Pure. */

/** The width that help is wrapped to: narrower lines cannot be read, nor can longer ones. */
export const helpWidth = (columns: number | undefined): number => Math.min(120, Math.max(60, columns || 80));

/** Breaks a text between words. A word that is longer than the width stays whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const INDENT = 2;
const GAP = 2;

/**
 * Two columns, of which the right one is wrapped. A left cell that takes more than `most` of the width stands on a line of its
 * own.
 */
export function columns(
  rows: readonly (readonly [left: string, right: string])[],
  width: number,
  most = 0.35,
): string {
  const limit = Math.floor(width * most);
  const fitting = rows.map(([left]) => left.length).filter((length) => length <= limit);
  const column = INDENT + Math.max(4, ...fitting) + GAP;
  return rows
    .flatMap(([left, right]) => {
      const start = ' '.repeat(INDENT) + left;
      if (right === '') return [start];
      const [first = '', ...more] = wrap(right, width - column);
      const below = more.map((line) => ' '.repeat(column) + line);
      return left.length <= limit
        ? [start.padEnd(column) + first, ...below]
        : [start, ' '.repeat(column) + first, ...below];
    })
    .map((line) => `${line}\n`)
    .join('');
}
