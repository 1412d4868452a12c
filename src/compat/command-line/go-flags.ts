/** Parses flags like Go's package flag, for drop-in replacements of Go programs. */

export interface GoFlags {
  readonly values: ReadonlyMap<string, string>;
}

/**
 * Accepts `-name value` and `-name=value`, with one hyphen or two; flags in `switches` need no value. The first other word, or
 * `--`, ends the flags.
 *
 * @returns the flags, or Go's error message
 */
export function parseGoFlags(
  words: readonly string[],
  names: readonly string[],
  switches: readonly string[],
): GoFlags | { readonly complaint: string } {
  const values = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--' || !/^-./.test(word)) break;
    const [, name = '', value] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === '' || name.startsWith('-')) return { complaint: `bad flag syntax: ${word}` };
    if (switches.includes(name)) {
      const on = value ?? 'true';
      if (!/^(1|0|t|f|true|false)$/i.test(on))
        return { complaint: `invalid boolean value ${JSON.stringify(on)} for -${name}: parse error` };
      values.set(name, String(/^(1|t|true)$/i.test(on)));
    } else if (!names.includes(name)) {
      return { complaint: `flag provided but not defined: -${name}` };
    } else if (value !== undefined) {
      values.set(name, value);
    } else {
      const next = words[++at];
      if (next === undefined) return { complaint: `flag needs an argument: -${name}` };
      values.set(name, next);
    }
  }
  return { values };
}
