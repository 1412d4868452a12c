/** Parses the command line of update-binfmts, as GNU argp does. */
import { basename } from 'node:path';
import { RESERVED } from '../update-binfmts/index.ts';
import { getopt, type LongOption } from './getopt.ts';

/** Minimum and maximum number of words after a mode. They are not parsed as options. */
const MODES = {
  install: [2, 2],
  remove: [2, 2],
  import: [0, 1],
  unimport: [0, 1],
  display: [0, 1],
  enable: [0, 1],
  disable: [0, 1],
  find: [1, 1],
} as const;

export type Mode = keyof typeof MODES;

const VALUES = [
  'magic',
  'mask',
  'offset',
  'extension',
  'detector',
  'credentials',
  'preserve',
  'fix-binary',
  'package',
  'admindir',
  'importdir',
  'procdir',
] as const;

export type Value = (typeof VALUES)[number];

// In the original's order, which its messages about ambiguous options use.
const OPTIONS: readonly LongOption[] = [
  ...Object.keys(MODES).map((name) => option(name, name === 'find' ? 'optional' : 'none')),
  ...VALUES.map((name) => option(name, 'required')),
  option('test', 'none'),
  option('help', 'none'),
  option('usage', 'none'),
  option('program-name', 'required'),
  option('HANG', 'optional'),
  option('version', 'none'),
];

const ONCE: readonly string[] = ['mask', 'offset', 'detector', 'package'];

const WORDS: Readonly<Record<string, string>> = {
  install: '<name> <path>',
  remove: '<name> <path>',
  find: '<path>',
};

/** A parsed command line. */
export interface Request {
  readonly mode: Mode;
  /** Words of the mode, such as a name and a path. */
  readonly words: readonly string[];
  readonly values: Readonly<Partial<Record<Value, string>>>;
  readonly test: boolean;
  /** Whether `--find` matches like update-binfmts 2.2.2, not like the kernel. */
  readonly compat: boolean;
}

export type ParsedRequest =
  | { readonly request: Request }
  | { readonly show: 'help' | 'usage' | 'version' }
  /** An error message, printed with a reference to the help if `usage` is set. */
  | { readonly complaint: string; readonly usage: boolean };

export interface Listener {
  /** Called for each program on the command line, to warn immediately if it is missing. */
  readonly onProgram: (path: string) => void;
  readonly onProgramName: (name: string) => void;
}

/** Parses words up to the first error. */
export function parseRequest(line: readonly string[], { onProgram, onProgramName }: Listener): ParsedRequest {
  const options = getopt(line, OPTIONS, { '?': 'help', V: 'version' });
  const wrong = (complaint: string, usage = true): ParsedRequest => ({ complaint, usage });
  const values: Partial<Record<Value, string>> = {};
  let mode: { readonly name: Mode; readonly words: readonly string[] } | null = null;
  let test = false;
  let compat = false;
  for (;;) {
    const found = options.next();
    if ('complaint' in found) return wrong(found.complaint);
    if ('words' in found) {
      if (found.words.length > 0) return wrong('Too many arguments');
      break;
    }
    const { name, value } = found;
    if (isMode(name)) {
      if (name === 'find' && value !== null && value !== 'compat')
        return wrong("option '--find' doesn't allow an argument");
      if (mode !== null) return wrong(`two modes given: --${mode.name} and --${name}`);
      const [least, most] = MODES[name];
      const words = options.take(most);
      if (words.length < least) return wrong(`--${name} needs ${WORDS[name]}`);
      if (least === 2) onProgram(words[1] ?? '');
      mode = { name, words };
      compat = value === 'compat';
    } else if (isValue(name)) {
      const complaint = complaintOf(name, value ?? '', values);
      if (complaint !== null) return wrong(complaint, complaint !== NOT_WHOLE);
      values[name] = value ?? '';
      if (name === 'detector') onProgram(value ?? '');
    } else if (name === 'test') test = true;
    else if (name === 'program-name') onProgramName(basename(value ?? ''));
    else if (name === 'help' || name === 'usage' || name === 'version') return { show: name };
  }
  if (mode === null) {
    const modes = Object.keys(MODES).map((each) => `--${each}`);
    return wrong(`you must use one of ${modes.join(', ')}`);
  }
  if (mode.name === 'install' && values.magic === undefined && values.extension === undefined)
    return wrong('--install requires a <spec> option');
  const [name = ''] = mode.words;
  if (mode.name === 'install' && RESERVED.includes(name))
    return wrong(`binary format name '${name}' is reserved`, false);
  return { request: { mode: mode.name, words: mode.words, values, test, compat } };
}

const NOT_WHOLE = 'offset must be a whole number';

/** The error of a value, given the previous ones; null if it is valid. */
function complaintOf(
  name: Value,
  value: string,
  before: Readonly<Partial<Record<Value, string>>>,
): string | null {
  const spec = (['magic', 'extension'] as const).find((each) => before[each] !== undefined);
  if ((name === 'magic' || name === 'extension') && spec !== undefined)
    return `two binary format specifications given: --${spec} and --${name}`;
  if (ONCE.includes(name) && before[name] !== undefined) return `more than one --${name} option given`;
  return name === 'offset' && !/^[0-9]*$/.test(value) ? NOT_WHOLE : null;
}

const isMode = (name: string): name is Mode => Object.hasOwn(MODES, name);
const isValue = (name: string): name is Value => VALUES.some((each) => each === name);

function option(name: string, argument: LongOption['argument']): LongOption {
  return { name, argument };
}
