/** What of a rule the kernel cannot take, said before it is asked. */
import { BinfmtctlError } from '../errors.ts';
import { conflictOf, isFlag } from './flags.ts';
import { encodeText } from './text.ts';
import type { MagicPattern, Rule } from './types.ts';

/** Bytes of a file that are compared: BINPRM_BUF_SIZE, 256 since Linux 5.1. */
export const HEAD_SIZE = 256;
/** Bytes of a register string (bm_register_write(), MAX_REGISTER_LENGTH); a trailing newline counts. */
export const MIN_REGISTER_SIZE = 11;
export const MAX_REGISTER_SIZE = 1920;
/** Bytes of a name: NAME_MAX. */
export const MAX_NAME_SIZE = 255;
/** Files of the instance itself. */
export const RESERVED_NAMES: readonly string[] = ['register', 'status'];

/** BAD_RULE with a hint unless fs/binfmt_misc.c create_entry() and bm_register_write() can take the rule. */
export function requireRegistrable(rule: Rule): void {
  requireName(rule.name);
  if (rule.pattern.type === 'magic') requireMagic(rule.name, rule.pattern);
  else requireFileNamePart(`extension of ${quote(rule.name)}`, rule.pattern.extension);
  requireText(`interpreter of ${quote(rule.name)}`, rule.interpreter);
  // Its entry could then be read in two ways (entry.ts).
  if (rule.interpreter.includes('\nflags: ')) {
    fail(
      `interpreter of ${quote(rule.name)} has a line "flags: " in it`,
      'rename the folder or file of its path',
    );
  }
  const unknown = rule.flags.find((flag) => !isFlag(flag));
  if (unknown !== undefined) {
    fail(`unknown flag ${quote(unknown)} of ${quote(rule.name)}`, 'the flags are P, O, C, F, T and L');
  }
  const conflict = conflictOf(rule.flags);
  if (conflict !== null) fail(`${conflict}, of ${quote(rule.name)}`, 'leave one of them out');
}

/** BAD_RULE with a hint unless an entry can be called so. */
export function requireName(name: string): void {
  requireFileNamePart('name', name);
  const size = encodeText(name).length;
  if (name === '.' || name === '..') fail(`name ${quote(name)} is a directory`, 'choose another name');
  if (RESERVED_NAMES.includes(name)) {
    fail(`name ${quote(name)} is a file of binfmt_misc itself`, 'choose another name');
  }
  if (size > MAX_NAME_SIZE) fail(`name of ${size} bytes`, `at most ${MAX_NAME_SIZE} are possible`);
}

function requireMagic(name: string, { offset, magic, mask }: MagicPattern): void {
  const of = `of ${quote(name)}`;
  if (magic.length === 0) fail(`magic ${of} is empty`, 'give at least one byte');
  if (mask !== null && mask.length !== magic.length) {
    fail(`mask ${of} has ${mask.length} bytes, its magic ${magic.length}`, 'give both the same length');
  }
  if (!Number.isInteger(offset) || offset < 0 || offset + magic.length > HEAD_SIZE) {
    const hint = `the kernel compares the first ${HEAD_SIZE} bytes of a file`;
    fail(`${magic.length} bytes of magic ${of} at offset ${offset}`, hint);
  }
}

function requireFileNamePart(what: string, text: string): void {
  requireText(what, text);
  if (text.includes('/')) fail(`${what} ${quote(text)} contains a slash`, 'leave the slash out');
}

function requireText(what: string, text: string): void {
  if (text === '') fail(`${what} is empty`, 'give at least one character');
  if (text.includes('\0')) fail(`${what} ${quote(text)} contains NUL`, 'leave the NUL out');
}

const quote = (text: string): string => JSON.stringify(text);

function fail(message: string, hint: string): never {
  throw new BinfmtctlError('BAD_RULE', message, { hint });
}
