/** Command lines without any doubt, for commands that start too fast for commander. */
import type { OptionSpec, Options } from './options.ts';

/**
 * The options and words of a line of whole option names, each with its value, and words that are no options. Null for all others, which
 * are commander's: it says what is wrong, and shows the help.
 */
export function readPlainLine(
  specs: readonly OptionSpec[],
  line: readonly string[],
): { readonly options: Options; readonly words: readonly string[] } | null {
  const options: Record<string, boolean | string | readonly string[]> = {};
  for (const [flags, , fallback] of specs) if (fallback !== undefined) options[keyOf(flags)] = fallback;
  const words: string[] = [];
  const rest = [...line];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    // What is not UTF-8 is refused there.
    if (word.includes('\ufffd')) return null;
    if (!word.startsWith('-')) {
      words.push(word);
      continue;
    }
    const [name = '', ...parts] = word.split('=');
    const flags = specs.find(([each]) => each.split(' ')[0] === name)?.[0];
    const takesValue = flags?.includes('<') === true;
    const value = parts.length > 0 ? parts.join('=') : takesValue ? rest.shift() : undefined;
    if (flags === undefined || takesValue !== (value !== undefined)) return null;
    if (value !== undefined && (value.startsWith('-') || value.includes('\ufffd'))) return null;
    const key = keyOf(flags);
    const before = options[key];
    if (value !== undefined && Array.isArray(before)) options[key] = [...before, value];
    else options[key] = value ?? !name.startsWith('--no-');
  }
  return { options, words };
}

/** `--binfmt-dir <dir>` is `binfmtDir`. */
const keyOf = (flags: string): string =>
  flags.replace(/^--(?:no-)?| .*/g, '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
