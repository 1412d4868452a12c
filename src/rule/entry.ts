/** The text of an entry file ↔ entry (fs/binfmt_misc.c entry_status(), in Linux 7.3 bm_entry_show()). */
import { BinfmtctlError } from '../errors.ts';
import { parseBpfEntry } from './bpf-entry.ts';
import { formatFlags, isFlag, normaliseFlags } from './flags.ts';
import { formatHex, parseHex } from './hex.ts';
import { decodeText, encodeText } from './text.ts';
import { type AnyEntry, type Entry, isBpf, type MagicPattern, type Pattern } from './types.ts';

const FLAGS_LINE = '\nflags: ';
const EXTENSION = 'extension .';

/**
 * Parses the kernel's text of an entry of any type. Unknown flag letters and lines, of newer kernels, go into `extra`.
 * Paths and extensions can contain newlines.
 *
 * @throws BAD_ENTRY if the text is truncated, invalid or ambiguous.
 */
export function parseAnyEntry(name: string, bytes: Uint8Array): AnyEntry {
  const text = decodeText(bytes);
  const bpf = parseBpfEntry(name, text);
  if (bpf === 'strange') throw badEntry(name, 'not the text of a BPF handler');
  return bpf ?? parseRuleEntry(name, text);
}

/** Like `parseAnyEntry`, but also throws BAD_ENTRY for BPF handlers, which have neither pattern nor interpreter. */
export function parseEntry(name: string, bytes: Uint8Array): Entry {
  const entry = parseAnyEntry(name, bytes);
  if (isBpf(entry)) throw badEntry(name, 'a BPF handler, not a rule');
  return entry;
}

function parseRuleEntry(name: string, text: string): Entry {
  const head = /^(enabled|disabled)\ninterpreter /.exec(text);
  if (head === null || !text.endsWith('\n')) throw badEntry(name, 'not the text of a rule');
  // The kernel does not quote: a second such line makes the text ambiguous.
  const [interpreterPart = '', details, ambiguous] = text.split(FLAGS_LINE);
  if (details === undefined) throw badEntry(name, 'no flags line');
  if (ambiguous !== undefined) throw badEntry(name, 'more than one flags line');
  const letters = details.slice(0, details.indexOf('\n'));
  const { pattern, extra } = parsePattern(name, details.slice(letters.length + 1));
  const unknown = [...[...letters].filter((letter) => !isFlag(letter)), ...extra];
  return {
    name,
    enabled: head[1] === 'enabled',
    interpreter: interpreterPart.slice(head[0].length),
    flags: normaliseFlags([...letters].filter(isFlag)),
    pattern,
    ...(unknown.length > 0 && { extra: unknown }),
  };
}

/** Formats an entry as the kernel does, without `extra`. */
export function formatEntry(entry: Entry): Uint8Array {
  const status = entry.enabled ? 'enabled' : 'disabled';
  const lines = [status, `interpreter ${entry.interpreter}`, `flags: ${formatFlags(entry.flags)}`];
  return encodeText(`${[...lines, ...formatPattern(entry.pattern)].join('\n')}\n`);
}

function formatPattern(pattern: Pattern): string[] {
  if (pattern.type === 'extension') return [EXTENSION + pattern.extension];
  const mask = pattern.mask === null ? [] : [`mask ${formatHex(pattern.mask)}`];
  return [`offset ${pattern.offset}`, `magic ${formatHex(pattern.magic)}`, ...mask];
}

interface FoundPattern {
  readonly pattern: Pattern;
  readonly extra: readonly string[];
}

/** Parses the lines after the flags. An extension extends to the end of the text. */
function parsePattern(name: string, text: string): FoundPattern {
  const extension = text.slice(EXTENSION.length, -1);
  if (text.startsWith(EXTENSION) && extension !== '') {
    return { pattern: { type: 'extension', extension }, extra: [] };
  }
  const lines = text.split('\n').slice(0, -1);
  const [offsetLine = '', magicLine = '', maskLine = ''] = lines;
  const offset = /^offset (\d{1,3})$/.exec(offsetLine)?.[1];
  const magic = hexAfter('magic ', magicLine);
  if (offset === undefined || magic === null) throw badEntry(name, 'neither magic nor extension');
  const hasMask = maskLine.startsWith('mask ');
  const mask = hexAfter('mask ', maskLine);
  if (hasMask && mask?.length !== magic.length) throw badEntry(name, 'mask and magic differ in length');
  const pattern: MagicPattern = { type: 'magic', offset: Number(offset), magic, mask };
  return { pattern, extra: lines.slice(hasMask ? 3 : 2) };
}

function hexAfter(label: string, line: string): Uint8Array | null {
  const bytes = line.startsWith(label) ? parseHex(line.slice(label.length)) : null;
  return bytes === null || bytes.length === 0 ? null : bytes;
}

function badEntry(name: string, what: string): BinfmtctlError {
  const hint = "read the entry's file in the binfmt_misc directory to see the kernel's text";
  return new BinfmtctlError('BAD_ENTRY', `cannot read entry ${JSON.stringify(name)}: ${what}`, { hint });
}
