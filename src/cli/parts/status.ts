/** `status`, which is to start fast: one file with nothing of other commands, without commander and Node's streams. */

import { showStatus } from '../commands/status.ts';
import { COMMON_OPTIONS, type CommonOptions } from '../common-options.ts';
import { exitStatusOf, printFailure } from '../failure.ts';
import { guardStreams } from '../output/streams.ts';

/** Carries a command line out and returns the exit status; all failures are printed, none is thrown. */
export async function runStatus(words: readonly string[], version: string): Promise<number> {
  const options = plainOptions(words.slice(1));
  if (options === null) {
    guardStreams();
    return (await import('../parts/commands.ts')).runCommandLine(words, version);
  }
  try {
    return await showStatus(options);
  } catch (failure) {
    guardStreams();
    printFailure(failure, { verbose: options.verbose === true, json: options.json === true });
    return exitStatusOf(failure);
  }
}

/** The options of a line without any doubt; null for all others, which are commander's: it says what is wrong, and shows the help. */
function plainOptions(words: readonly string[]): CommonOptions | null {
  const options: Record<string, boolean | string | readonly string[]> = {};
  for (const [flags, , fallback] of COMMON_OPTIONS)
    if (fallback !== undefined) options[keyOf(flags)] = fallback;
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [name = '', ...parts] = word.split('=');
    const flags = COMMON_OPTIONS.find(([each]) => each.split(' ')[0] === name)?.[0];
    const takesValue = flags?.includes('<') === true;
    const value = parts.length > 0 ? parts.join('=') : takesValue ? rest.shift() : undefined;
    if (flags === undefined || takesValue !== (value !== undefined)) return null;
    // Words that are not UTF-8 are refused there.
    if (value !== undefined && (value.startsWith('-') || value.includes('\ufffd'))) return null;
    const key = keyOf(flags);
    const before = options[key];
    if (value !== undefined && Array.isArray(before)) options[key] = [...before, value];
    else options[key] = value ?? !name.startsWith('--no-');
  }
  return options as unknown as CommonOptions;
}

/** `--binfmt-dir <dir>` is `binfmtDir`. */
const keyOf = (flags: string): string =>
  flags.replace(/^--(?:no-)?| .*/g, '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
