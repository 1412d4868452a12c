// What an instrumented source calls: notes what runs, one bit each, and writes it to a file at the end.
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

/** Users and roots that do not reach the directory are not counted. */
export function flush() {
  try {
    writeFileSync(`${directory}/${process.pid}-${process.hrtime.bigint()}`, bits);
  } catch {}
}

process.on('exit', flush);
