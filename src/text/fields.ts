/** Schemas of the fields of binfmtctl's files, with messages for people. */
import * as v from 'valibot';

/** An object with exactly these keys. */
export const fields = <E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? 'unknown key'
      : issue.received === 'undefined'
        ? 'is missing'
        : 'must be a mapping',
  );

/** Id of a profile. */
export const id = v.pipe(
  v.string('must be a string'),
  v.regex(/^[a-z0-9][a-z0-9_.+-]{0,63}$/, 'must be an ID: lower-case letters, digits and _.+-'),
);

export const line = v.pipe(
  v.string('must be a string (quote values that look like numbers)'),
  v.regex(/^[^\p{Cc}\p{Surrogate}]{1,1000}$/u, 'must be one line of at most 1000 characters'),
);

export const sha256 = v.pipe(
  v.string('must be a string (quote values that look like numbers)'),
  v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest: 64 lower-case hex digits'),
);

export const byteCount = v.pipe(
  v.number('must be a number of bytes'),
  v.check((size) => Number.isSafeInteger(size) && size > 0, 'must be a number of bytes'),
);
