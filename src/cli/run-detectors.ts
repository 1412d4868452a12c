/**
 * Chooses the interpreter of a file among the formats that share its magic. Started by scripts/run-detectors, which then
 * becomes what is written to its file 3: how many words to drop before the file, and on the next line the interpreter.
 */
import { accessSync, constants, writeSync } from 'node:fs';
import { isBinfmtctlError } from '../errors.ts';
import { candidatesFor } from '../operations/update-binfmts/candidates.ts';
import { inOrderOfTrial } from '../operations/update-binfmts/detectors.ts';
import { pathBytes, reasonOf } from '../operations/update-binfmts/session.ts';
import { encodeText } from '../rule/text.ts';
import { isFolder } from '../system/is-file.ts';
import { strerror } from '../system/strerror.ts';
import { exactWords } from './exact-words.ts';
import { getopt } from './getopt.ts';
import { VERSION } from './update-binfmts/version.ts';

const NAME = 'run-detectors';
const CHOICE = 3;
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

void choose(exactWords(process.argv.slice(2))).then((status) => {
  process.exitCode = status;
});

async function choose(line: readonly string[]): Promise<number> {
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
  const [target] = found.words;
  if (target === undefined) {
    say('argument required');
    return 2;
  }
  const places = {
    adminDirectory: values.get('admindir') ?? '/var/lib/binfmts',
    binfmtDirectory: values.get('procdir') ?? '/proc/sys/fs/binfmt_misc',
  };
  try {
    const candidates = candidatesFor(places, target, 'kernel');
    const interpreter = (await inOrderOfTrial(candidates, target, say)).find(canStart);
    if (interpreter !== undefined) {
      writeSync(CHOICE, encodeText(`${line.length - found.words.length}\n${interpreter}\n`));
      return 0;
    }
    say(`unable to find an interpreter for ${target}`);
  } catch (error) {
    if (!isBinfmtctlError(error)) throw error;
    say(error.message);
  }
  return 2;
}

/** As execvp(3) would find it. */
function canStart(interpreter: string): boolean {
  const folders = interpreter.includes('/')
    ? ['']
    : (process.env['PATH'] ?? '').split(':').map((each) => `${each || '.'}/`);
  let reason = '';
  for (const folder of folders) {
    const path = `${folder}${interpreter}`;
    try {
      accessSync(pathBytes(path), constants.X_OK);
      if (!isFolder(path)) return true;
      reason = strerror('EACCES');
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  say(`warning: unable to exec ${interpreter}: ${reason}`);
  return false;
}
