// The functions that instrumented sources call. They record one bit per point, and write all bits to a file at the end.
import { writeFileSync } from 'node:fs';

const { directory, count } = COVERAGE;
const bits = new Uint8Array(Math.ceil(count / 8));

export function hit(id) {
  bits[id >> 3] |= 1 << (id & 7);
}

export function branch(id, value) {
  hit(value ? id : id + 1);
  return value;
}

/** Ignores failures: processes of other users or in other roots may not reach the directory. */
export function flush() {
  try {
    writeFileSync(`${directory}/${process.pid}-${process.hrtime.bigint()}`, bits);
  } catch {}
}

process.on('exit', flush);
