/** Schemas of values that several kinds of profiles share. */
import * as v from 'valibot';
import { HEAD_SIZE } from '../../rule/check.ts';

export const text = v.pipe(
  v.string('must be text (quote what looks like a number)'),
  v.trim(),
  v.nonEmpty('must not be empty'),
  v.maxLength(1000, 'is longer than 1000 characters'),
);
export const name = v.pipe(
  text,
  v.regex(/^[a-z0-9][a-z0-9_.+-]{0,63}$/i, 'must be a name of letters, digits and _.+-'),
);
// Users may write an id in either case.
export const id = v.pipe(name, v.regex(/^[^A-Z]*$/, 'must be in lower case'));
export const path = v.pipe(text, v.regex(/^\/[^\0\n]+$/, 'must be an absolute path'));
export const whole = (most: number) =>
  v.pipe(
    v.number(`must be a number from 0 to ${most}`),
    v.integer('must be a whole number'),
    v.minValue(0, 'must not be negative'),
    v.maxValue(most, `must be ${most} at most`),
  );
export const oneOf = <const T extends readonly (string | number)[]>(words: T) =>
  v.picklist(words, `must be one of ${words.join(', ')}`);
export const list = <S extends v.GenericSchema>(item: S) => v.array(item, 'must be a list');
export const ids = v.optional(list(id), []);
export const spellings = v.optional(
  list(v.pipe(text, v.regex(/^[\w.+/-]{1,64}$/, 'must be a name without spaces'))),
  [],
);
export const hex = v.pipe(
  v.string('must be hex digits as text (quote what looks like a number)'),
  v.transform((digits) => digits.replace(/\s+/g, '').toLowerCase()),
  v.regex(/^([0-9a-f]{2})+$/, 'must be hex digits, two for each byte'),
  v.maxLength(2 * HEAD_SIZE, `has more bytes than the ${HEAD_SIZE} that the kernel compares`),
);

export function strict<E extends v.ObjectEntries>(entries: E) {
  return v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? 'unknown key'
      : issue.received === 'undefined'
        ? 'is missing'
        : 'must be a mapping',
  );
}
