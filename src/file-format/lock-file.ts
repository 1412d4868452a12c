/** The lock file `binfmtctl.lock` pins emulators by digest for all machines that use it. YAML, always in the same order. */
import * as v from 'valibot';
import { byteCount, fields, id, line, sha256 } from '../text/fields.ts';
import { type LineProblem, parseYaml, problemText } from '../text/yaml.ts';

/** An emulator, pinned by its digest. */
export interface LockedEmulator {
  /** Id of the emulator profile. */
  readonly emulator: string;
  /** As on the command line: `apt`, `oci:…@sha256:…`, `url:…`, `dir:…`. */
  readonly source: string;
  /** As the program prints it. Null if it prints none. */
  readonly version: string | null;
  /** Lower case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** By the id of the arch that the emulator runs. */
export type LockedEmulators = Readonly<Record<string, LockedEmulator>>;

export interface LockFile {
  /** By the id of the host's arch. */
  readonly hosts: Readonly<Record<string, LockedEmulators>>;
}

const SCHEMA = 'binfmtctl/lock/1';
const HEADER =
  '# Written by `binfmtctl install --lock` and `binfmtctl lock --update`. `binfmtctl install --locked` installs\n# exactly these emulators. Keep this file in version control.\n';

/** Encodes a lock file. The result does not depend on the order of its emulators. */
export async function encodeLockFile({ hosts }: LockFile): Promise<string> {
  const { stringify } = await import('yaml');
  const document = {
    schema: SCHEMA,
    hosts: sorted(hosts, (guests) => sorted(guests, ordered)),
  };
  return HEADER + stringify(document, { lineWidth: 0 });
}

/** Whether a text has the schema of a lock file, of any version. */
export const isLockText = (text: string): boolean => /^schema: ["']?binfmtctl\/lock\//m.test(text);

/** Decodes a lock file, or lists all its problems. */
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
  schema: v.literal(SCHEMA, `must be ${SCHEMA}`),
  hosts: v.record(
    id,
    v.record(id, emulatorSchema, 'must map architectures to emulators'),
    'must map hosts to emulators',
  ),
});
