// Measures the built command side by side with its peers and prints the ratios of medians.
//   node scripts/bench.mjs [--runs N] [--only start-up|verify|scale|rules|drop-ins|emulate|install|image] [--node FILE] [--json] [--charts]
// --node chooses the Node that runs the command, and whose own start is compared. --charts writes docs/charts/*.svg.
// As root: each peer runs in an instance, or on a machine, of its own; this one stays as it is.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { writeCharts } from './bench/charts.mjs';
import { installArm64 } from './bench/machine.mjs';
import { ratio } from './bench/measure.mjs';

const PARTS = ['start-up', 'verify', 'scale', 'rules', 'drop-ins', 'emulate', 'install', 'image'];
/** Those that need a machine, not only an instance. */
const OUTSIDE = ['install', 'image'];
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '7' },
    only: { type: 'string', multiple: true, default: PARTS },
    node: { type: 'string', default: process.execPath },
    json: { type: 'boolean', default: false },
    charts: { type: 'boolean', default: false },
  },
});
const runs = Math.max(3, Number(values.runs) || 0);
const unknown = values.only.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) throw new Error(`--only is one of ${PARTS.join(', ')}, not ${unknown.join(', ')}`);
const progress = (text) => process.stderr.write(`bench: ${text}\n`);

const node = resolve(values.node);
const LEFT_OUT = {
  NODE_EXTRA_CA_CERTS: 'Node 20 would parse its certificates at every start',
  NODE_OPTIONS: 'its options would be those of every start',
};
for (const [name, why] of Object.entries(LEFT_OUT)) {
  if (process.env[name] === undefined) continue;
  progress(`${name} is left out: ${why}`);
  delete process.env[name];
}

// What is begun lives in namespaces that end with their first process, and in this folder.
const work = mkdtempSync(join(tmpdir(), 'binfmtctl-bench-'));
const children = new Set();
process.on('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const child of children) child.kill();
    process.exitCode = 130;
  });
}

const results = [];
// In this order: the drop-ins begin with an empty instance.
const inside = PARTS.filter((part) => !OUTSIDE.includes(part) && values.only.includes(part));
if (inside.length > 0) {
  progress(`${inside.join(', ')}: ${runs} runs each`);
  const start = ['-c', 'exec "$0" "$@"', node, 'scripts/bench/private.mjs', `${runs}`, ...inside];
  results.push(
    ...JSON.parse(await outputOf([process.execPath, 'scripts/private-instance.mjs', '--', 'sh', ...start])),
  );
}
if (values.only.includes('emulate')) await nspawn();
if (values.only.includes('install')) await install();
if (values.only.includes('image')) await image();
if (values.charts) writeCharts(results, 'docs/charts');
process.stdout.write(
  values.json ? `${JSON.stringify(results, null, 1)}\n` : `${results.map(lineOf).join('\n')}\n`,
);

async function install() {
  if (process.getuid() !== 0) return progress('install arm64 is left out: it needs root');
  const { ours, apt } = await installArm64(Math.min(runs, 3), { work, outputOf, progress });
  results.push(
    ratio('install arm64, to apt-get install qemu-user-static binfmt-support', ours.ms, apt.ms, 0.4),
    ratio('the same, bytes left on disk', ours.bytes, apt.bytes, 0.05, 'bytes'),
  );
}

async function image() {
  if (process.getuid() !== 0) return progress('install from an image is left out: it needs root');
  results.push(...(await withOwnMounts('image.mjs', Math.min(runs, 5))));
}

async function nspawn() {
  if (process.getuid() !== 0) return progress('systemd-nspawn is left out: it needs root');
  results.push(...(await withOwnMounts('nspawn.mjs', runs)));
}

/** What a script of the bench finds with mounts of its own, so that the machine's stay as they are. */
async function withOwnMounts(script, count) {
  const start = ['unshare', '--mount', '--propagation', 'private', node, `scripts/bench/${script}`];
  return JSON.parse(await outputOf([...start, `${count}`, mkdtempSync(join(work, 'mounts-'))]));
}

/** What a program prints; ends all when it fails. */
async function outputOf([file, ...args]) {
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: work },
  });
  children.add(child);
  const ended = new Promise((resolve) => child.once('close', resolve));
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  const status = await ended;
  children.delete(child);
  if (status !== 0 || process.exitCode) {
    progress(process.exitCode ? 'interrupted' : `${file} ended with ${status}`);
    process.exit(process.exitCode || 1);
  }
  return text;
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
