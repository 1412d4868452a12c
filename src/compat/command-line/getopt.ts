/** Parses options like glibc's getopt_long(3), for drop-in replacements of C programs. */

export interface LongOption {
  readonly name: string;
  readonly argument: 'none' | 'required' | 'optional';
}

export interface Getopt {
  /** The next option or an error; after the last option, all other words. */
  readonly next: () => ParsedOption | { readonly complaint: string } | { readonly words: readonly string[] };
  /** Takes the next words unparsed, even if they look like options. Returns fewer at the end of the line. */
  readonly take: (count: number) => readonly string[];
}

export interface ParsedOption {
  readonly name: string;
  readonly value: string | null;
}

/**
 * Options and other words may be mixed; `--` ends the options. Long options may be abbreviated unambiguously.
 * `shorts` maps letters to long options without an argument. With `inOrder`, the first other word ends the options.
 */
export function getopt(
  line: readonly string[],
  options: readonly LongOption[],
  shorts: Readonly<Record<string, string>>,
  { inOrder = false }: { readonly inOrder?: boolean } = {},
): Getopt {
  const rest = [...line];
  const words: string[] = [];
  let letters = '';
  const next: Getopt['next'] = () => {
    if (letters !== '') {
      const letter = letters.charAt(0);
      letters = letters.slice(1);
      const name = Object.hasOwn(shorts, letter) ? shorts[letter] : undefined;
      return name === undefined ? { complaint: `invalid option -- '${letter}'` } : { name, value: null };
    }
    if (inOrder && !isOption(rest[0] ?? '')) return { words: rest };
    while (rest.length > 0 && !isOption(rest[0] ?? '')) words.push(rest.shift() ?? '');
    const word = rest.shift();
    if (word === undefined) return { words };
    if (word === '--') return { words: [...words, ...rest.splice(0)] };
    if (!word.startsWith('--')) {
      letters = word.slice(1);
      return next();
    }
    const found = longOption(word.slice(2), options);
    if ('complaint' in found) return found;
    const { option, value } = found;
    if (option.argument !== 'required' || value !== null) return { name: option.name, value };
    const taken = rest.shift();
    return taken === undefined
      ? { complaint: `option '--${option.name}' requires an argument` }
      : { name: option.name, value: taken };
  };
  return { next, take: (count) => rest.splice(0, count) };
}

const isOption = (word: string): boolean => word.startsWith('-') && word !== '-';

function longOption(
  text: string,
  options: readonly LongOption[],
): { readonly option: LongOption; readonly value: string | null } | { readonly complaint: string } {
  const [name = '', value = null] = text.split(/=(.*)/s);
  const exact = options.find((each) => each.name === name);
  const possible = exact === undefined ? options.filter((each) => each.name.startsWith(name)) : [exact];
  const [option] = possible;
  if (option === undefined) return { complaint: `unrecognized option '--${text}'` };
  if (possible.length > 1) {
    const shown = possible.map((each) => `'--${each.name}'`).join(' ');
    return { complaint: `option '--${text}' is ambiguous; possibilities: ${shown}` };
  }
  return option.argument === 'none' && value !== null
    ? { complaint: `option '--${option.name}' doesn't allow an argument` }
    : { option, value };
}
