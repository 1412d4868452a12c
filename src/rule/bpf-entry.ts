/** Entries of type B: their text, and what has to be written to have one again (Linux 7.3, fs/binfmt_misc.c). */
import { BinfmtctlError } from '../errors.ts';
import { encodeText } from './text.ts';
import type { BoundInterpreter, BpfEntry } from './types.ts';

const HEAD = /^(enabled|disabled)\nbpf ([^\n]+)\n/;
const FLAGS_LINE = 'flags: \n';
/** BINFMT_MISC_INTERP_NAME_MAX characters, all printable: a line of its own for each, even where a path has newlines. */
const BOUND = /^bpf-interpreter ([!-~]{1,32}) (\/.*)$/s;
const NEXT = /\n(?=bpf-interpreter [!-~]{1,32} \/)/;

/** bm_entry_show(): null for an entry of another type, `strange` for a text that cannot be read without doubt. */
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
  // Names are bound once: a second line of that name belongs to a path with a newline.
  if (new Set(interpreters.map((each) => each.name)).size < interpreters.length) return 'strange';
  return { name, enabled: head[1] === 'enabled', handler: head[2] ?? '', interpreters, flags: [] };
}

/**
 * What binds an interpreter, written to an entry that was never enabled (bm_entry_add_interp()). BAD_RULE for what the
 * kernel would read as something else.
 */
export function formatBinding({ name, path }: BoundInterpreter): Uint8Array {
  if (/^[!-~]{1,32}$/.test(name) && /^\/[^\0]*$/s.test(path)) return encodeText(`+${name} ${path}\n`);
  throw new BinfmtctlError('BAD_RULE', `cannot bind ${JSON.stringify(path)} as ${JSON.stringify(name)}`, {
    hint: 'a name is 1 to 32 printable ASCII characters, a path absolute',
  });
}
