// Runs commands in turn and compares their medians.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Milliseconds that a command takes; it must succeed. No shell: what is started is what is measured. */
export function time([file, ...args], options = {}) {
  const start = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...options,
  });
  const end = process.hrtime.bigint();
  if (error) throw error;
  if (status !== 0) throw new Error(`${[file, ...args].join(' ')} ended with ${status}: ${stderr}`);
  return Number(end - start) / 1e6;
}

/** Milliseconds of processor time that a command and what it starts take, in steps of 10. */
export function processorTime(command, options) {
  const before = processorTimeOfChildren();
  time(command, options);
  return processorTimeOfChildren() - before;
}

/** Fields 16 and 17 of proc_pid_stat(5), in hundredths of a second. */
function processorTimeOfChildren() {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[13]) + Number(fields[14]));
}

/** Runs every command `runs` times, one after the other in each round, so that what disturbs one disturbs all. */
export function compare(commands, runs, options) {
  const names = Object.keys(commands);
  for (const name of names) time(commands[name], options);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let run = 0; run < runs; run++)
    for (const name of names) times[name].push(time(commands[name], options));
  return Object.fromEntries(names.map((name) => [name, summary(times[name])]));
}

export function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), runs: sorted.length };
}

/** A line of the report: `ours` to `peer`, and whether the goal is met. */
export function ratio(what, ours, peer, goal, unit = 'ms') {
  return { what, ratio: ours.median / peer.median, goal, unit, ours, peer };
}
