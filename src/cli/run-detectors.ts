/**
 * Chooses the interpreter of a file among the formats that share its magic. Started by scripts/run-detectors, which then
 * becomes what is printed here: how many words to drop before the file, and on the next line the interpreter.
 */
import { accessSync, constants } from 'node:fs';
import { isBinfmtctlError } from '../errors.ts';
import { candidatesFor } from '../operations/update-binfmts/candidates.ts';
import { inOrderOfTrial } from '../operations/update-binfmts/detectors.ts';
import { pathBytes, reasonOf } from '../operations/update-binfmts/session.ts';
import { encodeText } from '../rule/text.ts';
import { exactWords } from './exact-words.ts';
import { getopt } from './getopt.ts';

const NAME = 'run-detectors';
const say = (text: string): void => void process.stderr.write(encodeText(`${NAME}: ${text}\n`));

void choose(exactWords(process.argv.slice(2))).then((status) => {
  process.exitCode = status;
});

async function choose(line: readonly string[]): Promise<number> {
  const values = new Map<string, string | null>();
  const options = getopt(
    line,
    ['admindir', 'procdir', 'program-name'].map((name) => ({ name, argument: 'required' })),
    {},
    { inOrder: true },
  );
  let found = options.next();
  for (; 'name' in found; found = options.next()) values.set(found.name, found.value);
  const words = 'words' in found ? found.words : [];
  const [target] = words;
  if ('complaint' in found || target === undefined) {
    say('complaint' in found ? found.complaint : 'argument required');
    return 2;
  }
  const places = {
    adminDirectory: values.get('admindir') ?? '/var/lib/binfmts',
    binfmtDirectory: values.get('procdir') ?? '/proc/sys/fs/binfmt_misc',
  };
  try {
    const candidates = candidatesFor(places, target, 'kernel');
    const trial = { quietly: true, say };
    const interpreter = (await inOrderOfTrial(candidates, target, trial)).find(canStart);
    if (interpreter !== undefined) {
      process.stdout.write(encodeText(`${line.length - words.length}\n${interpreter}\n`));
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
    try {
      accessSync(pathBytes(`${folder}${interpreter}`), constants.X_OK);
      return true;
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  say(`warning: unable to exec ${interpreter}: ${reason}`);
  return false;
}
