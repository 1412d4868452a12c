import { parseFlags } from '../rule/flags.ts';
import { parseHex } from '../rule/hex.ts';
import type { Pattern, Rule } from '../rule/types.ts';
import type { Format, FormatMatch } from './types.ts';

/** Returns the rules of a format, one for each of its matches. The first has the format's name. */
export function formatRules(format: Format, interpreter: string): readonly Rule[] {
  const { id, flags = '' } = format;
  return patternsOf(format).map((pattern, index) => ({
    name: index === 0 ? id : `${id}-${index + 1}`,
    pattern,
    interpreter,
    flags: parseFlags(flags) ?? [],
  }));
}

/** Returns the patterns of a format. A file of the format matches at least one of them. */
export const patternsOf = ({ matches }: Format): readonly Pattern[] => matches.map(patternOf);

function patternOf(match: FormatMatch): Pattern {
  if (match.type === 'extension') return match;
  const { offset, magic, mask } = match;
  const bytesOf = (hex: string): Uint8Array => parseHex(hex) ?? new Uint8Array();
  return { type: 'magic', offset, magic: bytesOf(magic), mask: mask === undefined ? null : bytesOf(mask) };
}
