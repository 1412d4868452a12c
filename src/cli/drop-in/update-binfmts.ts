/** `binfmtctl update-binfmts`: options, output and exit status of update-binfmts(8); see docs/update-binfmts.md. */

import { BINFMT_DIRECTORY } from '../../binfmt/directory.ts';
import { HELP, USAGE } from '../../compat/command-line/update-binfmts-help.ts';
import { parseRequest, type Request } from '../../compat/command-line/update-binfmts-request.ts';
import { VERSION } from '../../compat/command-line/update-binfmts-version.ts';
import {
  ADMIN_DIRECTORY,
  disable,
  disableAll,
  display,
  displayAll,
  enable,
  enableAll,
  find,
  forAllFiles,
  IMPORT_DIRECTORY,
  importFormat,
  install,
  remove,
  type Session,
  unimportFormat,
} from '../../compat/update-binfmts/index.ts';
import { isBinfmtctlError } from '../../errors.ts';
import type { Description } from '../../file-format/binfmt-support.ts';
import { encodeText, escapeBytes } from '../../rule/text.ts';
import { isExecutable } from '../../system/file/is-file.ts';
import { openContext } from '../context.ts';
import { guardStreams } from '../output/streams.ts';
import { exactWords } from '../words.ts';
import { withDropInHint } from './hint.ts';

const NAME = 'update-binfmts';

/** Runs a command line of update-binfmts and returns its exit status, 0 or 2. */
export async function updateBinfmts(words: readonly string[]): Promise<number> {
  let program = NAME;
  const say = (text: string): void => write('stderr', `${NAME}: ${text}\n`);
  const warn = (text: string): void => say(`warning: ${text}`);
  const parsed = parseRequest(exactWords(words), {
    onProgram: (path) => {
      if (!isExecutable(path)) warn(`no executable ${path} found, but continuing anyway as you request`);
    },
    onProgramName: (name) => {
      program = name;
    },
  });
  if ('show' in parsed) {
    write('stdout', { help: HELP, usage: USAGE, version: VERSION }[parsed.show]);
    return 0;
  }
  if ('complaint' in parsed) {
    write('stderr', `${program}: ${parsed.complaint}\n`);
    if (parsed.usage) {
      const pointer = `Try '${program} --help' or '${program} --usage' for more information.`;
      write('stderr', `${pointer}\n`);
    }
    return 2;
  }
  const { values, test } = parsed.request;
  const { procdir = BINFMT_DIRECTORY, admindir, importdir } = values;
  const session: Session = {
    adminDirectory: admindir ?? ADMIN_DIRECTORY,
    importDirectory: importdir ?? IMPORT_DIRECTORY,
    test,
    context: await openContext({ binfmtDir: procdir, catalogue: [] }, (progress) => {
      if (progress.kind === 'warning') warn(progress.text);
    }),
    say,
    warn,
    print: (text) => write('stdout', text),
  };
  try {
    if (await execute(parsed.request, session)) return 0;
    say('exiting due to previous errors');
  } catch (failure) {
    const error = withDropInHint(failure, []);
    if (!isBinfmtctlError(error)) throw error;
    say(error.message);
    if (error.hint !== undefined) write('stderr', `hint: ${error.hint}\n`);
  }
  return 2;
}

function execute({ mode, words, values, compat }: Request, session: Session): Promise<boolean> | boolean {
  const [name, path = ''] = words;
  switch (mode) {
    case 'install':
      return installLocal(session, name ?? '', path, values);
    case 'remove':
      return remove(session, name ?? '', values.package ?? ':');
    case 'import':
      return name === undefined ? forAllFiles(session, importFormat) : importFormat(session, name);
    case 'unimport':
      return name === undefined ? forAllFiles(session, unimportFormat) : unimportFormat(session, name);
    case 'display':
      return name === undefined ? displayAll(session) : display(session, name);
    case 'enable':
      return name === undefined ? enableAll(session) : enable(session, name);
    case 'disable':
      return name === undefined ? disableAll(session) : disable(session, name);
    case 'find':
      return find(session, name ?? '', compat ? 'compat' : 'kernel');
  }
}

function installLocal(
  session: Session,
  name: string,
  interpreter: string,
  values: Request['values'],
): Promise<boolean> | boolean {
  const { magic, extension, mask, offset } = values;
  const excess = (['mask', 'offset'] as const).find((each) => values[each] !== undefined);
  if (extension !== undefined && excess !== undefined) {
    session.warn(`${name}: can't use --${excess} with --extension`);
    return false;
  }
  const description: Description = {
    package: values.package ?? ':',
    type: magic === undefined ? 'extension' : 'magic',
    offset: offset || '0',
    magic: magic ?? extension ?? '',
    mask: mask ?? '',
    interpreter,
    detector: values.detector ?? '',
    credentials: values.credentials ?? '',
    preserve: values.preserve ?? '',
    fix_binary: values['fix-binary'] ?? '',
  };
  return install(session, name, description, { enables: true });
}

/** Loads Node's streams, which takes 4 to 8 ms, only if there is output. */
function write(stream: 'stdout' | 'stderr', text: string): void {
  // The original does not report lost output either.
  guardStreams({ silent: true });
  process[stream].write(process[stream].isTTY ? escapeBytes(text) : encodeText(text));
}
