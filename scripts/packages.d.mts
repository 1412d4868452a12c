/** Unpacks the named Debian packages under .cache/ and returns their root folders, in the same order; `NAME:ARCH` for
 * another machine's. */
export function unpackPackages(...names: readonly string[]): string[];
