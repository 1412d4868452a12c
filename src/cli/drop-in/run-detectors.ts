/**
 * Reads the options of run-detectors, which the kernel never passes. scripts/run-detectors starts it and reads three lines from
 * descriptor 3: the number of words that are options, the admin directory, and the mount point of binfmt_misc.
 */

import { writeSync } from 'node:fs';
import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import { getopt } from '../../compat/command-line/getopt.ts';
import { VERSION } from '../../compat/command-line/update-binfmts-version.ts';
import { encodeText } from '../../rule/text.ts';
import { exactWords } from '../words.ts';

const NAME = 'run-detectors';
const OPTIONS_READ = 3;
const USAGE = `Usage: ${NAME} [-?V] [--admindir=DIRECTORY] [--procdir=DIRECTORY] [--help] [--usage] [--version] FILE [ARGS...]\n`;
const HELP = `${USAGE}
Becomes the interpreter of FILE: that of the newest enabled format that takes it, and whose detector does not refuse it.
The kernel starts it for formats with a detector; \`update-binfmts --install\` has registered it.
`;
const TEXTS: Readonly<Record<string, string>> = { help: HELP, usage: USAGE, version: VERSION };
const OPTIONS = [
  ...['admindir', 'procdir', 'program-name'].map((name) => ({ name, argument: 'required' as const })),
  ...Object.keys(TEXTS).map((name) => ({ name, argument: 'none' as const })),
];

const say = (text: string): void => void process.stderr.write(encodeText(`${NAME}: ${text}\n`));

process.exitCode = readOptions(exactWords(process.argv.slice(2)));

function readOptions(line: readonly string[]): number {
  const values = new Map<string, string | null>();
  const options = getopt(line, OPTIONS, { '?': 'help', V: 'version' }, { inOrder: true });
  let found = options.next();
  for (; 'name' in found; found = options.next()) {
    const text = Object.hasOwn(TEXTS, found.name) ? TEXTS[found.name] : undefined;
    if (text !== undefined) {
      process.stdout.write(text);
      return 0;
    }
    values.set(found.name, found.value);
  }
  if ('complaint' in found) {
    say(found.complaint);
    process.stderr.write(`Try '${NAME} --help' or '${NAME} --usage' for more information.\n`);
    return 2;
  }
  const read = [
    line.length - found.words.length,
    values.get('admindir') ?? '/var/lib/binfmts',
    values.get('procdir') ?? BINFMT_DIRECTORY,
  ];
  writeSync(OPTIONS_READ, encodeText(read.map((each) => `${each}\n`).join('')));
  return 0;
}
