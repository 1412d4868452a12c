/** Unpacks the named Debian packages under .cache/ and returns their root folders, in the same order; `NAME:ARCH` for
 * another machine's, `NAME:ARCH@SUITE` for another release's. */
export function unpackPackages(...names: readonly string[]): string[];
/** Unpacks the upstream source of a package under .cache/ and returns its root directory. */
export function unpackSource(name: string, version: string): string;
/** The address from which apt takes this machine's own release. */
export function ownMirror(): string;
