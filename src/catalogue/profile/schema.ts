/** The schema of profiles. Parsing reports every problem of a document at once. */
import * as v from 'valibot';
import { HEAD_SIZE } from '../../rule/check.ts';
import { flagsProblem } from '../../rule/flags.ts';
import type { Profile } from '../types.ts';
import { emulatorSchema } from './emulator-schema.ts';
import { hex, id, ids, list, name, oneOf, path, spellings, strict, text, whole } from './schema-values.ts';

/** A problem of a document, and its path in the document. */
export interface ProfileProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type ParsedProfile =
  | { readonly profile: Profile; readonly problems: readonly [] }
  | { readonly profile: null; readonly problems: readonly ProfileProblem[] };

/** Parses a profile of any kind. Normalizes hex to lower case without spaces, and missing lists to empty ones. */
export function parseProfile(document: unknown): ParsedProfile {
  const { success, output, issues } = v.safeParse(profileSchema, document);
  if (success) return { profile: output as Profile, problems: [] };
  const problems = issues.map(({ path, message }) => ({
    path: (path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key))),
    message,
  }));
  return { profile: null, problems };
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
        `ends after the ${HEAD_SIZE} bytes that the kernel compares`,
      ),
    ),
    strict({
      type: v.literal('extension'),
      extension: v.pipe(text, v.regex(/^[^/.\0\n]{1,255}$/, 'must be an extension without a dot')),
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

const profileSchema = v.variant(
  'kind',
  [archSchema, formatSchema, emulatorSchema],
  'must have kind arch, format or emulator',
);
