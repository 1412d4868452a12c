/** The schema of an emulator profile. */
import validRange from 'semver/ranges/valid.js';
import * as v from 'valibot';
import { hex, id, list, name, oneOf, path, strict, text, whole } from './schema-values.ts';

const flag = v.boolean('must be true or false');
const isRegExp = (pattern: string): boolean => {
  try {
    // Without the bar first: after a backslash or in a bracket, the bar would be part of the pattern.
    new RegExp(pattern);
    // With an empty alternative it matches the empty text, which shows its number of groups.
    return new RegExp(`${pattern}|`).exec('')?.length !== 1;
  } catch {
    return false;
  }
};

const range = v.pipe(
  text,
  v.check((words) => validRange(words) !== null, 'must be a semver range: >=7.0.0 <7.2.5'),
);
const orAll = v.pipe(
  list(v.union([v.literal('*'), id], 'must be an id or *')),
  v.minLength(1, 'must have at least one'),
);
/** An emulator profile. */
export const emulatorSchema = strict({
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
  masks: v.optional(v.record(id, hex, 'must map ids to masks')),
  preserveArgv0: strict({
    mode: oneOf(['auto', 'always', 'never']),
    since: v.optional(v.pipe(text, v.regex(/^\d+(\.\d+)*$/, 'must be a version'))),
  }),
  openBinary: flag,
  fixBinary: v.optional(flag),
  ownLibraries: v.optional(flag),
  version: strict({
    program: v.optional(name),
    arguments: list(text),
    pattern: v.pipe(text, v.check(isRegExp, 'must be a regular expression with one group, the version')),
    inBytes: v.optional(flag),
    throughEntry: v.optional(v.record(name, text, 'must map names to values')),
  }),
  knownBad: v.optional(
    list(
      strict({
        range,
        guests: orAll,
        hosts: orAll,
        kernels: v.optional(range),
        pageSizes: v.optional(v.pipe(list(whole(0x100000)), v.minLength(1, 'must have at least one'))),
        minor: v.optional(v.boolean('must be true or false')),
        symptom: text,
        wayOut: text,
        source: text,
      }),
    ),
    [],
  ),
});
