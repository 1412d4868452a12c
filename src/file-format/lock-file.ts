/** The lock file `binfmtctl.lock`: which bytes run what, on every machine that reads it. YAML, always in the same order. */
import * as v from 'valibot';
import { byteCount, fields, id, line, sha256 } from '../text/fields.ts';
import { type LineProblem, parseYaml, problemText } from '../text/yaml.ts';

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

export interface LockFile {
  /** By id of the machine's own arch. */
  readonly hosts: Readonly<Record<string, LockedEmulators>>;
}

const SCHEMA = 'binfmtctl/lock/1';
const HEADER =
  '# Made by `binfmtctl install --lock`, renewed by `binfmtctl lock --update`; `binfmtctl install --locked` takes\n# exactly these emulators. Keep it in version control.\n';

/** Text of a lock file: the same bytes for the same lock, whatever order it was made in. */
export async function encodeLockFile({ hosts }: LockFile): Promise<string> {
  const { stringify } = await import('yaml');
  const document = {
    schema: SCHEMA,
    hosts: sorted(hosts, (guests) => sorted(guests, ordered)),
  };
  return HEADER + stringify(document, { lineWidth: 0 });
}

/** Whether a text claims to be a lock file. */
export const isLockText = (text: string): boolean => /^schema: ["']?binfmtctl\/lock\//m.test(text);

/** The lock in a file's text, or everything that is wrong with it. */
export async function decodeLockFile(
  text: string,
): Promise<{ readonly lock: LockFile } | { readonly problems: readonly LineProblem[] }> {
  const document = await parseYaml(text);
  if ('problems' in document) return document;
  const { success, output, issues } = v.safeParse(lockSchema, document.value);
  if (success) return { lock: { hosts: output.hosts } };
  const problems = issues.map(({ path, message }): LineProblem => {
    const keys = (path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
    return { line: document.lineOf(keys), message: problemText(keys, message) };
  });
  return { problems: problems.toSorted((a, b) => a.line - b.line) };
}

const ordered = ({ emulator, source, version, sha256: hash, size }: LockedEmulator) => {
  return { emulator, source, version, sha256: hash, size };
};

function sorted<T, U>(record: Readonly<Record<string, T>>, each: (value: T) => U): Record<string, U> {
  const pairs = Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(pairs.map(([key, value]) => [key, each(value)]));
}

const emulatorSchema = fields({
  emulator: id,
  source: line,
  version: v.nullable(line),
  sha256,
  size: byteCount,
});
const lockSchema = fields({
  schema: v.literal(SCHEMA, `must be ${SCHEMA}: this program reads no other`),
  hosts: v.record(id, v.record(id, emulatorSchema, 'must hold emulators by architecture'), 'must hold hosts'),
});
