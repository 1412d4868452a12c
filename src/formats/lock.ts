/** The lock file `binfmtctl.lock`: which bytes run what, on every machine that reads it. YAML, always in the same order. */
import * as v from 'valibot';
import { type LineProblem, parseYaml, worded } from './yaml.ts';

/** One emulator, by its bytes. */
export interface LockedEmulator {
  /** Id of the emulator profile. */
  readonly emulator: string;
  /** As it is named on the command line: `apt`, `oci:…@sha256:…`, `url:…`, `dir:…`. */
  readonly source: string;
  /** As the program prints it. Null where it prints none. */
  readonly version: string | null;
  /** Lower case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** By id of the arch that it runs. */
export type LockedEmulators = Readonly<Record<string, LockedEmulator>>;

export interface Lock {
  /** By id of the machine's own arch. */
  readonly hosts: Readonly<Record<string, LockedEmulators>>;
}

const SCHEMA = 'binfmtctl/lock/1';
const HEADER =
  '# Made by `binfmtctl install --lock`, renewed by `binfmtctl lock --update`; `binfmtctl install --locked` takes\n# exactly these emulators. Keep it in version control.\n';

/** Text of a lock file: the same bytes for the same lock, whatever order it was made in. */
export async function encodeLock({ hosts }: Lock): Promise<string> {
  const { stringify } = await import('yaml');
  const document = {
    schema: SCHEMA,
    hosts: sorted(hosts, (guests) =>
      sorted(guests, ({ emulator, source, version, sha256, size }) => ({
        ...{ emulator, source, version, sha256, size },
      })),
    ),
  };
  return HEADER + stringify(document, { lineWidth: 0 });
}

/** The lock in a file's text, or everything that is wrong with it. */
export async function decodeLock(
  text: string,
): Promise<{ readonly lock: Lock } | { readonly problems: readonly LineProblem[] }> {
  const document = await parseYaml(text);
  if ('problems' in document) return document;
  const { success, output, issues } = v.safeParse(lockSchema, document.value);
  if (success) return { lock: { hosts: output.hosts } };
  const problems = issues.map(({ path, message }): LineProblem => {
    const keys = (path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
    return { line: document.lineOf(keys), message: worded(keys, message) };
  });
  return { problems: problems.toSorted((a, b) => a.line - b.line) };
}

function sorted<T, U>(record: Readonly<Record<string, T>>, each: (value: T) => U): Record<string, U> {
  const pairs = Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(pairs.map(([key, value]) => [key, each(value)]));
}

const id = v.pipe(
  v.string('must be text'),
  v.regex(/^[a-z0-9][a-z0-9_.+-]{0,63}$/, 'must be an id of lower case letters, digits and _.+-'),
);
const text = v.pipe(
  v.string('must be text (quote what looks like a number)'),
  v.regex(/^[^\p{Cc}\p{Surrogate}]{1,1000}$/u, 'must be text of one line, 1000 characters at most'),
);
const map = <E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? 'is not known here'
      : issue.received === 'undefined'
        ? 'is missing'
        : 'must hold keys and values',
  );

const emulatorSchema = map({
  emulator: id,
  source: text,
  version: v.nullable(text),
  sha256: v.pipe(
    v.string('must be text (quote what looks like a number)'),
    v.regex(/^[0-9a-f]{64}$/, 'must be a sha256: 64 hex digits in lower case'),
  ),
  size: v.pipe(
    v.number('must be a number of bytes'),
    v.check((size) => Number.isSafeInteger(size) && size > 0, 'must be a number of bytes'),
  ),
});
const lockSchema = map({
  schema: v.literal(SCHEMA, `must be ${SCHEMA}: this program reads no other`),
  hosts: v.record(id, v.record(id, emulatorSchema, 'must hold emulators by architecture'), 'must hold hosts'),
});
