/**
 * A bundle is a tar file with emulators for one host, for machines without network. Its first entry is `manifest.json`. The others
 * are the emulators in the manifest, in its order.
 */

import * as v from 'valibot';
import { byteCount, fields, id, line, sha256 } from '../text/fields.ts';
import { parseJson } from '../text/json.ts';
import { problemText } from '../text/yaml.ts';

export interface BundledEmulator {
  /** Id of the arch that it runs. */
  readonly guest: string;
  /** Id of the emulator profile. */
  readonly emulator: string;
  /** As the program prints it. Null if it prints none, or could not be run where the bundle was created. */
  readonly version: string | null;
  /** Lower case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Its entry in the archive: `aarch64/qemu-aarch64`. */
  readonly file: string;
}

export interface BundleManifest {
  /** Id of the arch of the machines that the emulators run on. */
  readonly host: string;
  readonly emulators: readonly BundledEmulator[];
}

export const MANIFEST = 'manifest.json';
/** In bytes: a thousand times the usual size. */
export const MAX_MANIFEST_SIZE = 1 << 20;
const SCHEMA = 'binfmtctl/bundle/1';

/** Encodes a manifest. The result does not depend on the order of the emulators. */
export function encodeManifest({ host, emulators }: BundleManifest): string {
  const ordered = emulators
    .toSorted((a, b) => (a.guest < b.guest ? -1 : 1))
    .map(({ guest, emulator, version, sha256: hash, size, file }) => {
      return { guest, emulator, version, sha256: hash, size, file };
    });
  return `${JSON.stringify({ schema: SCHEMA, host, emulators: ordered }, null, 1)}\n`;
}

/** Whether a text is the manifest of a bundle, of any version. */
export const isBundleManifest = (text: string): boolean =>
  /^\s*\{\s*"schema"\s*:\s*"binfmtctl\/bundle\//.test(text);

/** Decodes a manifest, or describes its problems. */
export function decodeManifest(text: string): BundleManifest | { readonly problem: string } {
  const value = parseJson(text);
  if (value === null) return { problem: `${MANIFEST} is not valid JSON` };
  const { success, output, issues } = v.safeParse(manifestSchema, value);
  if (success) return { host: output.host, emulators: output.emulators };
  const problems = issues.map(({ path, message }) =>
    problemText(
      (path ?? []).map(({ key }) => String(key)),
      message,
    ),
  );
  return { problem: `${MANIFEST}: ${problems.slice(0, MAX_LISTED).join('; ')}` };
}

/** The maximum number of problems in a message. */
const MAX_LISTED = 5;

const isUniqueBy = <T>(items: readonly T[], key: (item: T) => string): boolean =>
  new Set(items.map(key)).size === items.length;

const emulatorSchema = fields({
  guest: id,
  emulator: id,
  version: v.nullable(line),
  sha256,
  size: byteCount,
  file: v.pipe(
    v.string('must be text'),
    v.regex(/^[a-z0-9][\w.+-]{0,63}\/\w[\w.+-]{0,127}$/, 'must be a name like aarch64/qemu-aarch64'),
  ),
});
const manifestSchema = fields({
  schema: v.literal(SCHEMA, `must be ${SCHEMA}`),
  host: id,
  emulators: v.pipe(
    v.array(emulatorSchema, 'must be a list'),
    v.check((all) => isUniqueBy(all, ({ guest }) => guest), 'must have one emulator per guest'),
    v.check((all) => isUniqueBy(all, ({ file }) => file), 'must have one emulator per file'),
  ),
});
