/** What a profile may hold; every problem of a document at once. */
import validRange from 'semver/ranges/valid.js';
import * as v from 'valibot';
import { HEAD_SIZE } from '../rule/check.ts';
import { flagsProblem } from '../rule/flags.ts';
import type { Profile } from './types.ts';

/** Something wrong with a document, and where in it. */
export interface ProfileProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type Parsed =
  | { readonly profile: Profile; readonly problems: readonly [] }
  | { readonly profile: null; readonly problems: readonly ProfileProblem[] };

/** Reads a document of any kind of profile. Hex comes out compact and in lower case, lists that were left out empty. */
export function parseProfile(document: unknown): Parsed {
  const { success, output, issues } = v.safeParse(profileSchema, document);
  if (success) return { profile: output as Profile, problems: [] };
  const problems = issues.map(({ path, message }) => ({
    path: (path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key))),
    message,
  }));
  return { profile: null, problems };
}

const text = v.pipe(
  v.string('must be text (quote what looks like a number)'),
  v.trim(),
  v.nonEmpty('must not be empty'),
  v.maxLength(1000, 'is longer than 1000 characters'),
);
const name = v.pipe(
  text,
  v.regex(/^[a-z0-9][a-z0-9_.+-]{0,63}$/i, 'must be a name of letters, digits and _.+-'),
);
// Whoever names a profile may write it in either case.
const id = v.pipe(name, v.regex(/^[^A-Z]*$/, 'must be in lower case'));
const path = v.pipe(text, v.regex(/^\/[^\0\n]+$/, 'must be an absolute path'));
const whole = (most: number) =>
  v.pipe(
    v.number(`must be a number from 0 to ${most}`),
    v.integer('must be a whole number'),
    v.minValue(0, 'must not be negative'),
    v.maxValue(most, `must be ${most} at most`),
  );
const oneOf = <const T extends readonly (string | number)[]>(words: T) =>
  v.picklist(words, `must be one of ${words.join(', ')}`);
const list = <S extends v.GenericSchema>(item: S) => v.array(item, 'must be a list');
const ids = v.optional(list(id), []);
const spellings = v.optional(
  list(v.pipe(text, v.regex(/^[\w.+/-]{1,64}$/, 'must be a name, without blanks'))),
  [],
);
const hex = v.pipe(
  v.string('must be hex digits as text (quote what looks like a number)'),
  v.transform((digits) => digits.replace(/\s+/g, '').toLowerCase()),
  v.regex(/^([0-9a-f]{2})+$/, 'must be hex digits, two for each byte'),
  v.maxLength(2 * HEAD_SIZE, `has more bytes than the ${HEAD_SIZE} that the kernel compares`),
);

function strict<E extends v.ObjectEntries>(entries: E) {
  return v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? 'is not known here'
      : issue.received === 'undefined'
        ? 'is missing'
        : 'must hold keys and values',
  );
}

const isSameLength = ({ magic, mask }: { magic: string; mask?: string | undefined }): boolean =>
  mask === undefined || mask.length === magic.length;
const SAME_LENGTH = 'must be as long as the magic';

const syscall = whole(0xffff);
const archSchema = v.pipe(
  strict({
    kind: v.literal('arch'),
    id,
    summary: text,
    elf: strict({
      class: oneOf([32, 64]),
      byteOrder: oneOf(['little', 'big']),
      machine: whole(0xffff),
      flags: v.optional(strict({ value: whole(0xffffffff), mask: whole(0xffffffff) })),
    }),
    magic: hex,
    mask: hex,
    masked: v.optional(
      list(
        strict({
          bytes: v.pipe(text, v.regex(/^\d{1,3}(-\d{1,3})?$/, 'must be a byte or a range: 7, 9-15')),
          field: text,
          why: text,
        }),
      ),
      [],
    ),
    aliases: strict({
      docker: spellings,
      go: spellings,
      debian: spellings,
      gnu: spellings,
      uname: spellings,
      rpm: spellings,
      other: spellings,
    }),
    compat: ids,
    overlaps: ids,
    probe: strict({
      isa: id,
      syscalls: strict({
        read: syscall,
        write: syscall,
        geteuid: syscall,
        exit: syscall,
        readlink: v.optional(syscall),
        readlinkat: v.optional(syscall),
      }),
      flags: v.optional(whole(0xffffffff)),
    }),
  }),
  v.forward(v.partialCheck([['magic'], ['mask']], isSameLength, SAME_LENGTH), ['mask']),
);

const matchSchema = v.variant(
  'type',
  [
    v.pipe(
      strict({
        type: v.literal('magic'),
        offset: v.optional(whole(HEAD_SIZE - 1), 0),
        magic: hex,
        mask: v.optional(hex),
      }),
      v.forward(v.partialCheck([['magic'], ['mask']], isSameLength, SAME_LENGTH), ['mask']),
      v.check(
        ({ offset, magic }) => offset + magic.length / 2 <= HEAD_SIZE,
        `ends behind the ${HEAD_SIZE} bytes that the kernel compares`,
      ),
    ),
    strict({
      type: v.literal('extension'),
      extension: v.pipe(text, v.regex(/^[^/.\0\n]{1,255}$/, 'must be an extension without dot')),
    }),
  ],
  'must have type magic or extension',
);

const formatSchema = strict({
  kind: v.literal('format'),
  id,
  summary: text,
  aliases: ids,
  matches: v.pipe(list(matchSchema), v.minLength(1, 'must have at least one')),
  interpreters: v.pipe(
    list(strict({ path, package: v.optional(name), note: v.optional(text) })),
    v.minLength(1, 'must have at least one'),
  ),
  flags: v.optional(
    v.pipe(
      v.string('must be letters'),
      v.check(
        (letters) => flagsProblem(letters) === null,
        (issue) => flagsProblem(issue.input) ?? '',
      ),
    ),
  ),
  overlaps: ids,
  note: v.optional(text),
});

const isRegExp = (pattern: string): boolean => {
  try {
    // By itself first: behind a backslash or in a bracket, the bar would be part of it.
    new RegExp(pattern);
    // With an empty alternative it matches the empty text, and so shows how many groups it has.
    return new RegExp(`${pattern}|`).exec('')?.length !== 1;
  } catch {
    return false;
  }
};

const range = v.pipe(
  text,
  v.check((words) => validRange(words) !== null, 'must be a range of semver: >=7.0.0 <7.2.5'),
);
const orAll = v.pipe(
  list(v.union([v.literal('*'), id], 'must be an id or *')),
  v.minLength(1, 'must have at least one'),
);
const emulatorSchema = strict({
  kind: v.literal('emulator'),
  id,
  summary: text,
  guests: v.pipe(
    v.record(id, name, 'must map ids to names'),
    v.check((guests) => Object.keys(guests).length > 0, 'must have at least one'),
  ),
  hosts: v.pipe(list(id), v.minLength(1, 'must have at least one')),
  layouts: v.optional(
    list(
      strict({
        distribution: text,
        paths: list(path),
        packages: v.optional(list(text), []),
        linkage: oneOf(['static', 'dynamic', 'either']),
      }),
    ),
    [],
  ),
  entry: v.pipe(text, v.regex(/^[\w.+{}-]{1,128}$/, 'must be the name of an entry')),
  preserveArgv0: strict({
    mode: oneOf(['auto', 'always', 'never']),
    since: v.optional(v.pipe(text, v.regex(/^\d+(\.\d+)*$/, 'must be a version'))),
  }),
  openBinary: v.boolean('must be true or false'),
  version: strict({
    arguments: list(text),
    pattern: v.pipe(
      text,
      v.check(isRegExp, 'must be a regular expression with a group, which is the version'),
    ),
    inBytes: v.optional(v.boolean('must be true or false')),
    throughEntry: v.optional(v.record(name, text, 'must map names to values')),
  }),
  knownBad: v.optional(
    list(
      strict({
        range,
        guests: orAll,
        hosts: orAll,
        kernels: v.optional(range),
        symptom: text,
        wayOut: text,
        source: text,
      }),
    ),
    [],
  ),
});

const profileSchema = v.variant(
  'kind',
  [archSchema, formatSchema, emulatorSchema],
  'must have kind arch, format or emulator',
);
