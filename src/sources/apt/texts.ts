/** Texts of apt: package indexes (deb822(5)), configuration (apt.conf(5)) and what apt prints. */
import { BinfmtctlError } from '../../errors.ts';

/** What a package index says of one version of a package. */
export interface PackageStanza {
  readonly name: string;
  readonly version: string;
  /** Bytes of the .deb. */
  readonly size: number;
  /** Names of all packages that it depends on, alternatives included. */
  readonly depends: readonly string[];
}

/** Decodes stanzas; one without name, version or size is passed over. */
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
 * The stanzas of the named packages out of a whole index (`Packages`), each with an empty line after it. An index has some
 * 50 MB: only the places that count are looked at.
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

/** Where `line` begins, at the start of a line, and the field is the first of its stanza, as in every index. */
function placesOf(bytes: Buffer, line: string): number[] {
  const places = bytes.toString('utf8', 0, line.length) === line ? [0] : [];
  const needle = `\n${line}`;
  for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) places.push(at + 1);
  return places;
}

/** An option with its value, or one that is to be emptied, with all below it, before. */
export type AptOption = readonly [name: string, value: string] | readonly [cleared: string];

/** Encodes a configuration file. SOURCE_FAILED for a value that apt cannot read: it knows no quoting of quotes. */
export function encodeAptConf(options: readonly AptOption[]): string {
  const lines = options.map(([name, value]) => {
    if (value === undefined) return `#clear ${name};`;
    if (!/["\\\n]/.test(value)) return `${name} "${value}";`;
    throw new BinfmtctlError('SOURCE_FAILED', `apt cannot take ${JSON.stringify(value)} as ${name}`, {
      hint: 'set TMPDIR to a folder whose path has no quote, backslash or line break',
    });
  });
  return `${lines.join('\n')}\n`;
}

/** What apt complains of: its errors, or where it has none its warnings, without the prefix. */
export function aptComplaints(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const after = (prefix: string): string[] =>
    lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  const errors = after('E: ');
  return [...new Set(errors.length > 0 ? errors : after('W: '))];
}
