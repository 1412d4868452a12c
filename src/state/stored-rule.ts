/** Rules in untrusted files. Decoded without a schema library, which takes longer to load than all rules take to read. */
import { isFlag } from '../rule/flags.ts';
import { parseHex } from '../rule/hex.ts';
import type { Flag, Pattern, Rule } from '../rule/types.ts';

/** The rule in a JSON value, with hexadecimal magic and mask; null if it is invalid. Ignores other keys. */
export function decodeRule(value: unknown): Rule | null {
  if (!isObject(value)) return null;
  const { name, interpreter, flags } = value;
  const pattern = decodePattern(value['pattern']);
  if (typeof name !== 'string' || typeof interpreter !== 'string' || pattern === null) return null;
  return isFlags(flags) ? { name, pattern, interpreter, flags: [...flags] } : null;
}

/** Whether a JSON value is an object or an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function decodePattern(value: unknown): Pattern | null {
  if (!isObject(value)) return null;
  const { type, offset, extension } = value;
  if (type === 'extension') return typeof extension === 'string' ? { type, extension } : null;
  const magic = decodeHex(value['magic']);
  const mask = value['mask'] === null ? null : decodeHex(value['mask']);
  if (type !== 'magic' || typeof offset !== 'number' || magic === null) return null;
  return mask === null && value['mask'] !== null ? null : { type, offset, magic, mask };
}

const isFlags = (value: unknown): value is readonly Flag[] =>
  Array.isArray(value) && value.every((flag) => typeof flag === 'string' && isFlag(flag));

/** Decodes bytes as `toJson` writes them, in lower case. */
function decodeHex(value: unknown): Uint8Array | null {
  return typeof value === 'string' && !/[A-F]/.test(value) ? parseHex(value) : null;
}
