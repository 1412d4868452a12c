// Commands whose time could grow with the square of the number of entries; within private.mjs.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { processorTime, ratio, summary } from './measure.mjs';

const ENTRIES = 5000;
const GOAL_MS = 1000;

/** Processor time to one second: 1 is the goal. */
export function scaling({ work, runs, command, removeEntries }) {
  removeEntries();
  const file = join(work, 'many.conf');
  writeFileSync(file, Array.from({ length: ENTRIES }, (_, number) => ruleOf(number)).join(''));
  const systemd = [process.execPath, resolve('dist/cli.cjs'), 'systemd-binfmt', file];
  const times = { register: [], keep: [], status: [], import: [], again: [] };
  for (let run = 0; run < Math.min(runs, 5); run++) {
    times.register.push(processorTime(systemd));
    times.keep.push(processorTime(systemd));
    times.status.push(processorTime(command('status')));
    removeEntries();
    times.import.push(processorTime(command('import', '--quiet', file)));
    times.again.push(processorTime(command('import', '--quiet', file)));
    removeEntries();
  }
  const second = summary([GOAL_MS]);
  const of = (what, taken) => ({
    ...ratio(`processor time of ${what}, to one second`, summary(taken), second, 1),
    chart: 'scale',
  });
  return [
    of(`systemd-binfmt with ${ENTRIES} new rules`, times.register),
    of('the same, all of them there', times.keep),
    of(`status of ${ENTRIES} entries`, times.status),
    of(`import of ${ENTRIES} rules`, times.import),
    of('the same, all of them there', times.again),
  ];
}

/** A third each: ELF headers with a mask, texts, extensions. */
function ruleOf(number) {
  if (number % 3 === 1) return `:text${number}:M::RULE-${number}.::/bin/true:\n`;
  if (number % 3 === 2) return `:extension${number}:E::rule${number}::/bin/true:\n`;
  const machine = 0x1000 + number;
  const header = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...Array(9).fill(0), 2, 0, machine & 0xff, machine >> 8];
  const mask = header.map((_, at) => (at === 7 ? 0 : at === 16 ? 0xfe : 0xff));
  return `:elf${number}:M::${escaped(header)}:${escaped(mask)}:/bin/true:F\n`;
}

const escaped = (bytes) => bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
