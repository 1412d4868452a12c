/** Entries of type B: parses their text, and formats the writes that recreate them (Linux 7.3, fs/binfmt_misc.c). */
import { BinfmtctlError } from '../errors.ts';
import { encodeText } from './text.ts';
import type { BoundInterpreter, BpfEntry } from './types.ts';

const HEAD = /^(enabled|disabled)\nbpf ([^\n]+)\n/;
const FLAGS_LINE = 'flags: \n';
/**
 * One line per interpreter, even if a path contains newlines. Names have up to BINFMT_MISC_INTERP_NAME_MAX printable
 * characters.
 */
const BOUND = /^bpf-interpreter ([!-~]{1,32}) (\/.*)$/s;
const NEXT = /\n(?=bpf-interpreter [!-~]{1,32} \/)/;

/** Parses the output of bm_entry_show(): null for other types, `strange` if the text is invalid or ambiguous. */
export function parseBpfEntry(name: string, text: string): BpfEntry | 'strange' | null {
  const head = HEAD.exec(text);
  if (head === null) return null;
  if (!text.endsWith(FLAGS_LINE)) return 'strange';
  const lines = text.slice(head[0].length, -FLAGS_LINE.length);
  const interpreters: BoundInterpreter[] = [];
  for (const line of lines === '' ? [] : lines.slice(0, -1).split(NEXT)) {
    const [, bound, path] = BOUND.exec(line) ?? [];
    if (bound === undefined || path === undefined) return 'strange';
    interpreters.push({ name: bound, path });
  }
  // Names are unique: a second line with the same name belongs to a path with a newline.
  if (new Set(interpreters.map((each) => each.name)).size < interpreters.length) return 'strange';
  return { name, enabled: head[1] === 'enabled', handler: head[2] ?? '', interpreters, flags: [] };
}

/**
 * Formats the text that binds an interpreter, written to an entry before it is first enabled (bm_entry_add_interp()).
 * Throws BAD_RULE if the kernel would read it differently.
 */
export function formatBinding({ name, path }: BoundInterpreter): Uint8Array {
  if (/^[!-~]{1,32}$/.test(name) && /^\/[^\0]*$/s.test(path)) return encodeText(`+${name} ${path}\n`);
  throw new BinfmtctlError('BAD_RULE', `cannot bind ${JSON.stringify(path)} as ${JSON.stringify(name)}`, {
    hint: 'use a name of 1 to 32 printable ASCII characters and an absolute path',
  });
}
