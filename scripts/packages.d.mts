/** Unpacks the named Debian packages under .cache/ and returns their root folders, in the same order. */
export function unpackPackages(...names: readonly string[]): string[];
