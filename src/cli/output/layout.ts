/** Rows and sentences that fit the width of a terminal. Pure. */

/** A last column narrower than this is continued below the row instead. */
const NARROWEST = 24;
/** A cell is not cut below this. */
const SHORTEST = 8;

/** Text on lines of at most `width` columns, broken at blanks; those after the first are indented. A longer word stays whole. */
export function wrap(text: string, width: number, indent = 0): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && longer.length > width - (lines.length === 0 ? 0 : indent)) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].map((each, index) => (index === 0 ? each : ' '.repeat(indent) + each));
}

/**
 * Rows as lines of aligned columns, two blanks between them. Where they are wider than `width` the last column is wrapped, or continued
 * below, and then the longest other cells are cut.
 */
export function alignRows(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const last = columns - 1;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const before = (): number => widths.slice(0, last).reduce((sum, each) => sum + each + 2, 0);
  while (before() > width && Math.max(...widths.slice(0, last)) > SHORTEST) {
    const widest = widths.slice(0, last).indexOf(Math.max(...widths.slice(0, last)));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const start = before();
  const indent = (widths[0] ?? 0) + 2;
  return rows.flatMap((row) => {
    const cells = row.slice(0, last).map((cell, column) => cut(cell, widths[column] ?? 0));
    const head = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    const text = row[last] ?? '';
    if (start + text.length <= width) return [trimmed([head, text])];
    if (width - start >= NARROWEST) {
      const [first = '', ...others] = wrap(text, width - start);
      return [trimmed([head, first]), ...others.map((each) => ' '.repeat(start) + each)];
    }
    return [head.trimEnd(), ...wrap(text, width - indent).map((each) => ' '.repeat(indent) + each)];
  });
}

const trimmed = (parts: readonly string[]): string => parts.filter(Boolean).join('  ').trimEnd();

const cut = (cell: string, width: number): string =>
  cell.length <= width ? cell : `${cell.slice(0, Math.max(0, width - 1))}…`;
