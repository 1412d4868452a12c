// Measures the built command side by side with its peers and prints the ratios of medians.
//   node scripts/bench.mjs [--runs N] [--json]
// As root: each peer runs in an instance, or on a machine, of its own; this one stays as it is.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { installArm64 } from './bench/machine.mjs';
import { ratio } from './bench/measure.mjs';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '7' }, json: { type: 'boolean', default: false } },
});
const runs = Math.max(3, Number(values.runs));
const progress = (text) => process.stderr.write(`bench: ${text}\n`);

progress(`start-up, verify and rules, ${runs} runs each`);
const results = await inPrivateInstance(runs);
if (process.getuid() === 0) {
  const { ours, apt } = installArm64(Math.min(runs, 3), progress);
  results.push(
    ratio('install arm64, to apt-get install qemu-user-static binfmt-support', ours.ms, apt.ms, 0.4),
    ratio('the same, bytes left on disk', ours.bytes, apt.bytes, 0.05, 'bytes'),
  );
} else {
  progress('install arm64 is left out: it needs root');
}
process.stdout.write(
  values.json ? `${JSON.stringify(results, null, 1)}\n` : `${results.map(lineOf).join('\n')}\n`,
);

/** Figures of bench/private.mjs. */
async function inPrivateInstance(count) {
  const args = [
    'scripts/private-instance.mjs',
    '--',
    'sh',
    '-c',
    `exec ${process.execPath} scripts/bench/private.mjs ${count}`,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  return JSON.parse(text);
}

function lineOf({ what, ratio: value, goal, unit, ours, peer }) {
  const verdict = goal === null ? '' : `, goal ${goal}: ${value <= goal ? 'met' : 'missed'}`;
  const figure = ({ median, min, max }) =>
    min === max ? `${round(median)}` : `${round(median)} (${round(min)}–${round(max)})`;
  return `${value.toFixed(2).padStart(6)}  ${what}${verdict}; ${figure(ours)} to ${figure(peer)} ${unit}, ${ours.runs} runs`;
}

function round(value) {
  return value >= 100 ? Math.round(value) : value.toFixed(1);
}
