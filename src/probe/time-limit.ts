/**
 * From the start of probes to their end, in milliseconds: an emulator may hang. A probe takes a few, but with ten containers that start at
 * once on two processors, reading their emulators from the disk, one in 150 took more than ten seconds.
 */
export const PROBE_TIME_LIMIT_MS = 30_000;
