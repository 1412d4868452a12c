/** `binfmtctl systemd-binfmt`: options and output of systemd-binfmt(8); see docs/systemd-binfmt.md. */

import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import { getopt } from '../../compat/command-line/getopt.ts';
import { applyBinfmtD, type Complaints, unregisterBinfmtD } from '../../compat/systemd-binfmt/apply.ts';
import { showBinfmtD } from '../../compat/systemd-binfmt/show.ts';
import { encodeText, escapeBytes } from '../../rule/text.ts';
import { openContext } from '../context.ts';
import { guardStreams } from '../output/streams.ts';
import { exactWords } from '../words.ts';

const NAME = 'systemd-binfmt';
const OPTIONS = ['help', 'version', 'no-pager', 'cat-config', 'tldr', 'unregister', 'flush'] as const;
type Option = (typeof OPTIONS)[number];

const HELP = `${NAME} [OPTIONS...] [CONFIGURATION FILE...]

Registers binary formats with the kernel.

Options:
  -h --help             Show this help
     --version          Show package version
     --cat-config       Show configuration files
     --tldr             Show non-comment parts of configuration
     --no-pager         Do not pipe output into a pager
     --unregister       Unregister existing entries that configuration files name
     --flush            Remove all entries first, those of others too

Examples:
  binfmtctl systemd-binfmt                                register the rules of /etc/binfmt.d and the others
  binfmtctl systemd-binfmt /usr/lib/binfmt.d/python3.conf one file
  binfmtctl systemd-binfmt --unregister                   unregister them
`;

/** Runs a command line of systemd-binfmt and returns its exit status, 0 or 1. */
export async function systemdBinfmt(words: readonly string[], version: string): Promise<number> {
  const parsed = parse(exactWords(words));
  if ('complaint' in parsed) return report({ warnings: [], errors: [parsed.complaint] });
  const { options, files } = parsed;
  const has = (option: Option): boolean => options.includes(option);
  if (has('help')) return print(HELP);
  if (has('version')) return print(`${NAME} (binfmtctl ${version})\n`);
  const shows = has('cat-config') || has('tldr');
  if (files.length > 0 && (shows || has('unregister')))
    return report({
      warnings: [],
      errors: ['Positional arguments are not allowed with --cat-config/--tldr or --unregister.'],
    });
  if (shows && !has('unregister')) {
    const shown = showBinfmtD({ tldr: has('tldr') });
    print(shown.text);
    return report(shown) || Number(!shown.complete);
  }
  const context = await openContext({ binfmtDir: BINFMT_DIRECTORY, catalogue: [] }, (progress) => {
    if (progress.kind === 'warning') write('stderr', `warning: ${progress.text}\n`);
  });
  if (!has('unregister')) return report(await applyBinfmtD({ files, flush: has('flush') }, context));
  unregisterBinfmtD(context, { flush: has('flush') });
  return 0;
}

type ParsedLine =
  | { readonly options: readonly string[]; readonly files: readonly string[] }
  | { readonly complaint: string };

function parse(words: readonly string[]): ParsedLine {
  const line = getopt(
    words,
    OPTIONS.map((name) => ({ name, argument: 'none' })),
    { h: 'help' },
  );
  const options: string[] = [];
  for (;;) {
    const found = line.next();
    if ('complaint' in found) return { complaint: `${NAME}: ${found.complaint}` };
    if ('words' in found) return { options, files: found.words };
    options.push(found.name);
    if (found.name === 'help' || found.name === 'version') return { options, files: [] };
  }
}

function print(text: string): number {
  write('stdout', text);
  return 0;
}

function report({ warnings, errors }: Complaints): number {
  for (const line of [...warnings, ...errors]) write('stderr', `${line}\n`);
  return errors.length === 0 ? 0 : 1;
}

/** Loads Node's streams, which takes 4 to 8 ms, only if there is output. */
function write(stream: 'stdout' | 'stderr', text: string): void {
  guardStreams();
  process[stream].write(process[stream].isTTY ? escapeBytes(text) : encodeText(text));
}
