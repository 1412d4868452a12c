import { createHash } from 'node:crypto';

export interface Cached {
  readonly version: string;
  /** Id of the machine's arch. */
  readonly host: string;
  /** The lock file's text. */
  readonly lock: string | null;
  /** Empty for all. */
  readonly arches: readonly string[];
  readonly sources: readonly string[];
  /** The distribution with its release, whose archive emulators may come from. */
  readonly distribution: string;
  readonly now: Date;
}

/**
 * The cache key. A lock file determines it; without one it changes with the request and with the month, because a cache in use
 * never expires and its emulators would never be updated.
 */
export function cacheKey({ version, host, lock, arches, sources, distribution, now }: Cached): string {
  const month = now.toISOString().slice(0, 7);
  const inputs = JSON.stringify([[...arches].sort(), lock === null ? [sources, distribution, month] : lock]);
  const hash = createHash('sha256').update(inputs).digest('hex').slice(0, 32);
  return `binfmtctl-${version}-linux-${host}-${hash}`;
}

/** Whether caching saves time: files of this machine are as fast as the cache. */
export const isWorthCaching = (lock: string | null, sources: readonly string[]): boolean =>
  lock !== null ||
  sources.length === 0 ||
  sources.some((source) => !/^(?:path|dir|bundle|file):|^\.{0,2}\//.test(source));
