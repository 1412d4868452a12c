/** A stanza of a Debian package index, as `apt-cache show` prints it (deb822(5)). */
export interface PackageStanza {
  readonly name: string;
  readonly version: string;
  /** Bytes of the .deb. */
  readonly size: number;
}

/** Decodes stanzas; one without name, version or size is passed over. The newest version of a package comes first. */
export function parseStanzas(text: string): readonly PackageStanza[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (key: string): string | undefined => new RegExp(`^${key}: *(.+)$`, 'm').exec(stanza)?.[1]?.trim();
    const [name, version, size] = [field('Package'), field('Version'), Number(field('Size'))];
    return name === undefined || version === undefined || !Number.isSafeInteger(size) ? [] : [{ name, version, size }];
  });
}

/** The errors in apt's output, without its prefix: what its users know it by. */
export function aptErrors(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => (line.startsWith('E: ') ? [line.slice(3).trim()] : []));
}
