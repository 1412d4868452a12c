/** What the fields of our own files may hold, with messages that say so. */
import * as v from 'valibot';

/** An object that has these keys and no others. */
export const fields = <E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? 'is not known here'
      : issue.received === 'undefined'
        ? 'is missing'
        : 'must hold keys and values',
  );

/** Id of a profile. */
export const id = v.pipe(
  v.string('must be text'),
  v.regex(/^[a-z0-9][a-z0-9_.+-]{0,63}$/, 'must be an id of lower case letters, digits and _.+-'),
);

export const line = v.pipe(
  v.string('must be text (quote what looks like a number)'),
  v.regex(/^[^\p{Cc}\p{Surrogate}]{1,1000}$/u, 'must be text of one line, 1000 characters at most'),
);

export const sha256 = v.pipe(
  v.string('must be text (quote what looks like a number)'),
  v.regex(/^[0-9a-f]{64}$/, 'must be a sha256: 64 hex digits in lower case'),
);

export const byteCount = v.pipe(
  v.number('must be a number of bytes'),
  v.check((size) => Number.isSafeInteger(size) && size > 0, 'must be a number of bytes'),
);
