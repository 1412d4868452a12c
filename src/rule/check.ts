/** Validates rules before they are sent to the kernel. */
import { BinfmtctlError } from '../errors.ts';
import { conflictOf, isFlag } from './flags.ts';
import { encodeText } from './text.ts';
import type { MagicPattern, Rule } from './types.ts';

/** Number of bytes of a file that the kernel compares: BINPRM_BUF_SIZE, 256 since Linux 5.1. */
export const HEAD_SIZE = 256;
/** Size of a register string including a trailing newline (bm_register_write(), MAX_REGISTER_LENGTH). */
export const MIN_REGISTER_SIZE = 11;
export const MAX_REGISTER_SIZE = 1920;
/** Size of a name: NAME_MAX. */
export const MAX_NAME_SIZE = 255;
/** Files of the instance itself. */
export const RESERVED_NAMES: readonly string[] = ['register', 'status'];

/** Throws BAD_RULE unless fs/binfmt_misc.c create_entry() and bm_register_write() accept the rule. */
export function requireRegistrable(rule: Rule): void {
  requireName(rule.name);
  if (rule.pattern.type === 'magic') requireMagic(rule.name, rule.pattern);
  else requireFileNamePart(`extension of ${quote(rule.name)}`, rule.pattern.extension);
  requireText(`interpreter of ${quote(rule.name)}`, rule.interpreter);
  // The text of its entry would be ambiguous (entry.ts).
  if (rule.interpreter.includes('\nflags: ')) {
    fail(`interpreter of ${quote(rule.name)} contains a line "flags: "`, 'use a path without line breaks');
  }
  const unknown = rule.flags.find((flag) => !isFlag(flag));
  if (unknown !== undefined) {
    fail(`unknown flag ${quote(unknown)} of ${quote(rule.name)}`, 'use the flags P, O, C, F, T and L');
  }
  const conflict = conflictOf(rule.flags);
  if (conflict !== null) fail(`invalid flags of ${quote(rule.name)}: ${conflict}`, 'remove one of the flags');
}

/** Throws BAD_RULE unless the name is valid for an entry. */
export function requireName(name: string): void {
  requireFileNamePart('name', name);
  const size = encodeText(name).length;
  if (name === '.' || name === '..') fail(`name ${quote(name)} is a directory`, 'choose another name');
  if (RESERVED_NAMES.includes(name)) {
    fail(`name ${quote(name)} is reserved by binfmt_misc`, 'choose another name');
  }
  if (size > MAX_NAME_SIZE) fail(`name is too long: ${size} bytes`, `use at most ${MAX_NAME_SIZE} bytes`);
}

function requireMagic(name: string, { offset, magic, mask }: MagicPattern): void {
  const of = `of ${quote(name)}`;
  if (magic.length === 0) fail(`magic ${of} is empty`, 'give at least one byte');
  if (mask !== null && mask.length !== magic.length) {
    fail(`mask ${of} has ${mask.length} bytes, its magic ${magic.length}`, 'use a mask as long as the magic');
  }
  if (!Number.isInteger(offset) || offset < 0 || offset + magic.length > HEAD_SIZE) {
    const hint = `offset and magic must fit into the first ${HEAD_SIZE} bytes of a file`;
    fail(`invalid offset ${offset} for ${magic.length} bytes of magic ${of}`, hint);
  }
}

function requireFileNamePart(what: string, text: string): void {
  requireText(what, text);
  if (text.includes('/')) fail(`${what} ${quote(text)} contains a slash`, 'remove the slash');
}

function requireText(what: string, text: string): void {
  if (text === '') fail(`${what} is empty`, 'give at least one character');
  if (text.includes('\0')) fail(`${what} ${quote(text)} contains NUL`, 'remove the NUL');
}

const quote = (text: string): string => JSON.stringify(text);

function fail(message: string, hint: string): never {
  throw new BinfmtctlError('BAD_RULE', message, { hint });
}
