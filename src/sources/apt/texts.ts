/** Text formats of apt: package indexes (deb822(5)), configuration (apt.conf(5)) and its error output. */
import { BinfmtctlError } from '../../errors.ts';

/** A version of a package in a package index. */
export interface PackageStanza {
  readonly name: string;
  readonly version: string;
  /** Size of the .deb in bytes. */
  readonly size: number;
  /** Names of its dependencies, including alternatives. */
  readonly depends: readonly string[];
}

/** Parses stanzas. Skips those without name, version or size. */
export function parseStanzas(text: string): readonly PackageStanza[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (key: string): string =>
      new RegExp(`^${key}:[ \\t]*(.*)$`, 'm').exec(stanza)?.[1]?.trim() ?? '';
    const [name, version, size] = [field('Package'), field('Version'), Number(field('Size'))];
    if (!isPackageName(name) || !/^[\w.+:~-]+$/.test(version) || !Number.isSafeInteger(size)) return [];
    const relations = `${field('Pre-Depends')},${field('Depends')}`.split(/[,|]/);
    const depends = relations.map((each) => each.trim().split(/[\s(:]/)[0] ?? '').filter(isPackageName);
    return [{ name, version, size, depends }];
  });
}

/** The release in the name of a package index in apt's lists; null for an archive without releases. */
export const releaseInName = (file: string): string | null =>
  /_dists_(.+)_[^_]+_binary-[^_]+_Packages/.exec(file)?.[1] ?? null;

/** Debian Policy 5.6.1. */
export const isPackageName = (name: string): boolean => /^[a-z0-9][a-z0-9+.-]+$/.test(name);

/**
 * Returns the stanzas of the named packages in an index (`Packages`), each followed by an empty line. Searches the
 * bytes for the names instead of parsing: an index has some 50 MB.
 */
export function selectStanzas(index: Uint8Array, names: readonly string[]): string {
  const bytes = Buffer.from(index.buffer, index.byteOffset, index.byteLength);
  return names
    .flatMap((name) => placesOf(bytes, `Package: ${name}\n`))
    .map((start) => {
      const end = bytes.indexOf('\n\n', start);
      return `${bytes.toString('utf8', start, end === -1 ? bytes.length : end).trimEnd()}\n\n`;
    })
    .join('');
}

/** Offsets at which the line starts. `Package` is the first field of a stanza in every index. */
function placesOf(bytes: Buffer, line: string): number[] {
  const places = bytes.toString('utf8', 0, line.length) === line ? [0] : [];
  const needle = `\n${line}`;
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) places.push(at + 1);
  return places;
}

/** An option and its value, or an option to clear with its whole subtree. */
export type AptOption = readonly [name: string, value: string] | readonly [cleared: string];

/** Encodes a configuration file. Throws SOURCE_FAILED for values with quotes, which apt.conf cannot escape. */
export function encodeAptConf(options: readonly AptOption[]): string {
  const lines = options.map(([name, value]) => {
    if (value === undefined) return `#clear ${name};`;
    if (!/["\\\n]/.test(value)) return `${name} "${value}";`;
    throw new BinfmtctlError('SOURCE_FAILED', `apt: invalid value for ${name}: ${JSON.stringify(value)}`, {
      hint: 'set TMPDIR to a directory whose path has no quote, backslash or line break',
    });
  });
  return `${lines.join('\n')}\n`;
}

/** Errors in apt's output, or warnings if there are no errors; without the prefix. */
export function aptComplaints(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const after = (prefix: string): string[] =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  const errors = after('E: ');
  return [...new Set(errors.length > 0 ? errors : after('W: '))];
}
