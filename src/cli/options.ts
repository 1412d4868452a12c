/** Options as a table, for commands that start too fast for commander; it shows their help. */

import { getopt, type LongOption } from '../compat/command-line/getopt.ts';
import { BinfmtctlError } from '../errors.ts';

/** Flags as commander has them (`--arch <arch>`), what they say, and a default: an empty list for one that may be repeated. */
export type OptionSpec = readonly [flags: string, description: string, fallback?: string | readonly []];

export type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/**
 * Reads words of a command line as commander does: `--bind-dir` becomes `bindDir`, `--no-color` sets `color` to false. With
 * `inOrder` the first word that is no option ends them, else only `--` does. Null where help is asked for.
 *
 * @throws USAGE
 */
export function parseOptions(
  command: string,
  specs: readonly OptionSpec[],
  line: readonly string[],
  { inOrder }: { readonly inOrder: boolean },
): { readonly options: Options; readonly words: readonly string[] } | null {
  const options: Record<string, string | boolean | readonly string[] | undefined> = {};
  const lists = new Set<string>();
  const longs = specs.map(([flags, , fallback]): LongOption => {
    const name = nameOf(flags);
    if (fallback !== undefined) options[camelCase(name)] = fallback;
    if (Array.isArray(fallback)) lists.add(name);
    return { name, argument: flags.includes('<') ? 'required' : 'none' };
  });
  const reader = getopt(line, [...longs, { name: 'help', argument: 'none' }], { h: 'help' }, { inOrder });
  for (;;) {
    const found = reader.next();
    if ('words' in found) return { options, words: found.words };
    if ('complaint' in found) {
      throw new BinfmtctlError('USAGE', found.complaint, {
        hint: `\`binfmtctl ${command} --help\` shows what there is`,
      });
    }
    const { name, value } = found;
    if (name === 'help') return null;
    const key = camelCase(name.replace(/^no-/, ''));
    const before = options[key];
    if (lists.has(name)) options[key] = [...(Array.isArray(before) ? before : []), value ?? ''];
    else options[key] = value ?? !name.startsWith('no-');
  }
}

const nameOf = (flags: string): string => flags.replace(/^--/, '').replace(/ .*/, '');

const camelCase = (name: string): string =>
  name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
