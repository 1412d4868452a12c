/** Symbols in front of lines, and their replacements without UTF-8. */

export const DONE = '✔';
export const FAILED = '✖';
export const LIMITED = '!';
export const UNKNOWN = '?';

const ASCII: Readonly<Record<string, string>> = {
  [DONE]: '+',
  [FAILED]: 'x',
  '…': '~',
  '→': '->',
  '←': '<-',
};

/** Whether text is shown as UTF-8. Without a variable the locale is C; consoles of Linux have few glyphs. */
export function hasUnicode({ TERM, LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv = process.env): boolean {
  if (TERM === 'dumb' || TERM === 'linux') return false;
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

/** The text with our symbols as this terminal or locale can show them. */
export const withSymbols = (text: string, environment: NodeJS.ProcessEnv = process.env): string =>
  hasUnicode(environment) ? text : text.replace(/[✔✖…→←]/g, (symbol) => ASCII[symbol] ?? symbol);
