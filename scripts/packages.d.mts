/** Unpacks the named Debian packages to .cache/ and returns their root directories in the same order. `NAME:ARCH` is a package for
 * another architecture, `NAME:ARCH@SUITE` one of another release. */
export function unpackPackages(...names: readonly string[]): string[];
/** Unpacks the upstream source of a package to .cache/ and returns its root directory. */
export function unpackSource(name: string, version: string): string;
/** Returns the URL of apt's mirror for this machine's release. */
export function ownMirror(): string;
