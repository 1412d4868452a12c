/**
 * Time limit for probes, as an emulator can hang. A probe takes a few milliseconds, but with ten containers that
 * started at once on two processors and read their emulators from disk, one in 150 took more than ten seconds.
 */
export const PROBE_TIME_LIMIT_MS = 30_000;
