import { styleText } from 'node:util';
import { escapeBytes } from '../../rule/text.ts';
import { alignRows, wrap } from './layout.ts';
import { withSymbols } from './symbols.ts';

/**
 * Whether lines can be redrawn: on a terminal with a known width and cursor codes, unless a CI system logs the output.
 */
export function canDraw({ isTTY, columns = 0 }: Shown): boolean {
  const { CI = '', TERM } = process.env;
  return isTTY && columns > 20 && TERM !== 'dumb' && ['', '0', 'false'].includes(CI);
}

type Colour = 'red' | 'yellow' | 'green' | 'dim' | 'bold';

/** Where text is shown. */
export type Shown = Pick<NodeJS.WriteStream, 'isTTY'> & { readonly columns?: number | undefined };

/** How many columns lines may have: those of a terminal, else any number. */
export const widthOf = ({ isTTY, columns }: Shown): number =>
  isTTY && columns ? columns : Number.POSITIVE_INFINITY;

/** Colours text for standard error or output, on a terminal only, unless `--no-color` or NO_COLOR says no. */
export function paint(colour: Colour, text: string, stream: Shown = process.stderr): string {
  // Node would judge by standard output, whichever stream it is for, and by CI.
  const shown = visible(text);
  return hasColours(stream) ? styleText(colour, shown, { validateStream: false }) : shown;
}

/** Prints lines for people: of the control characters in `text` only line ends and the colours of `paint` take effect. */
export function print(text: string, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(withSymbols(withoutControls(text, { colours: hasColours(stream) })));
}

/** Prints a file's bytes as they are; on a terminal so that none of them is a command to it. */
export function printFile(bytes: Uint8Array): void {
  if (process.stdout.isTTY) print(new TextDecoder().decode(bytes));
  else process.stdout.write(bytes);
}

interface ShownIn {
  readonly colours: boolean;
  readonly inActions?: boolean | undefined;
}

/**
 * The text with every control character escaped, but line ends and colours. In a job of GitHub Actions no line is a
 * workflow command, which begins with `::` or has `##[`.
 */
export function withoutControls(
  text: string,
  { colours, inActions = process.env['GITHUB_ACTIONS'] === 'true' }: ShownIn,
): string {
  const parts = text.split(colours ? KEPT_WITH_COLOURS : KEPT);
  const shown = parts.map((part, index) => (index % 2 === 0 ? visible(part) : part)).join('');
  return inActions ? shown.replace(/^(\s*):(?=:)/gm, '$1: ').replaceAll('##[', '# #[') : shown;
}

const KEPT = /(\n)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: styleText's sequences begin with ESC.
const KEPT_WITH_COLOURS = /(\n|\x1b\[(?:1|2|22|31|32|33|39)m)/;

/** C0, DEL, C1, and the format characters that change the order in which a terminal shows text. */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text on one line, with every character that would act on a terminal or a log escaped. */
export function visible(text: string): string {
  return escapeBytes(text).replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Rows in columns that fit the terminal; the first row is the heading. */
export function table(cells: readonly (readonly string[])[], shown: Shown = process.stdout): string {
  const [heading = '', ...lines] = alignRows(
    cells.map((row) => row.map(visible)),
    widthOf(shown),
  );
  return [paint('bold', heading, shown), ...lines].join('\n');
}

const MARK_COLOURS: Readonly<Record<string, Colour>> = {
  '✔': 'green',
  '✖': 'red',
  '!': 'yellow',
  '?': 'yellow',
};

/** Rows that begin with a symbol, in columns that fit the terminal; on it the symbols have colours. */
export function markedRows(
  rows: readonly (readonly string[])[],
  shown: Shown = process.stdout,
): readonly string[] {
  const lines = alignRows(
    rows.map((row) => row.map(visible)),
    widthOf(shown),
  );
  return lines.map((line) => {
    const colour = MARK_COLOURS[line[0] ?? ''];
    return colour === undefined || line[1] !== ' '
      ? line
      : paint(colour, line[0] ?? '', shown) + line.slice(1);
  });
}

/** A sentence on lines that fit the terminal. */
export const sentence = (text: string, shown: Shown = process.stdout): readonly string[] =>
  wrap(visible(text), widthOf(shown));

/** A size for people. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** A path for a table: the hash in a store's path is shortened; `--json` has it whole. */
export const shortPath = (path: string): string => path.replace(/\/([0-9a-f]{12})[0-9a-f]{52}\//, '/$1…/');

function hasColours({ isTTY }: Shown): boolean {
  const { NO_COLOR, TERM } = process.env;
  return isTTY && !NO_COLOR && TERM !== 'dumb' && !process.argv.includes('--no-color');
}

/** Text of other programs and servers, whose lines become parts of one line. */
export const onOneLine = (text: string): string => visible(text.trim().replace(/\s*\n\s*/g, '; '));
