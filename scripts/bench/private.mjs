// What needs a binfmt_misc of its own; runs inside a private instance and prints its figures as JSON.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { unpackPackages } from '../packages.mjs';
import { dropIns } from './drop-ins.mjs';
import { emulating } from './emulate.mjs';
import { compare, ratio, summary, time } from './measure.mjs';
import { scaling } from './scale.mjs';

const BINFMT = '/proc/sys/fs/binfmt_misc';
const COMMAND = resolve('dist/cli.cjs');
const NODE = process.execPath;
const RULES = 30;
const [count, ...parts] = process.argv.slice(2);
const runs = Number(count);
const [qemu, archTestRoot, systemd, shared] = unpackPackages(
  'qemu-user-static',
  'arch-test',
  'systemd',
  'libsystemd-shared',
);
const work = mkdtempSync(join(tmpdir(), 'binfmtctl-bench-'));
chmodSync(work, 0o755);
const command = (...args) => [NODE, COMMAND, ...args, '--store', join(work, 'store')];

try {
  // Rules are told from the entries that are there once emulators have been installed.
  const measures = {
    'start-up': startUp,
    verify: verifying,
    scale: () => scaling({ work, runs, command, removeEntries }),
    rules: registering,
    'drop-ins': () => dropIns({ work, runs, removeEntries }),
    emulate: () => emulating({ work, runs, command, registerString, removeEntries }),
  };
  if (parts.some((part) => ['start-up', 'verify'].includes(part))) installAll();
  const results = [];
  for (const part of parts) {
    process.stderr.write(`bench: ${part}\n`);
    if (part === 'drop-ins') removeEntries();
    if (part === 'rules') installAll();
    results.push(...(await measures[part]()));
  }
  process.stdout.write(JSON.stringify(results));
} finally {
  removeEntries();
  rmSync(work, { recursive: true, force: true });
}

function startUp() {
  const entries = readdirSync(BINFMT).length - 2;
  const times = compare(
    { node: [NODE, '-e', '0'], version: [NODE, COMMAND, '--version'], status: command('status') },
    // A tenth of a second each, on machines whose clock wanders: only many rounds tell.
    10 * runs,
  );
  return [
    ratio('start-up: --version to `node -e 0`', times.version, times.node, 1.25),
    ratio(`start-up: status of ${entries} entries to \`node -e 0\``, times.status, times.node, 2),
  ];
}

function installAll() {
  time(command('install', '--all', '--quiet', '--source', `dir:${join(qemu, 'usr/bin')}`));
}

function verifying() {
  const script = readFileSync(join(archTestRoot, 'usr/bin/arch-test'), 'utf8');
  const archTest = join(work, 'arch-test');
  // Its helpers are where the package was unpacked.
  writeFileSync(archTest, script.replaceAll('/usr/lib/arch-test', join(archTestRoot, 'usr/lib/arch-test')), {
    mode: 0o755,
  });
  const known = readdirSync(join(archTestRoot, 'usr/lib/arch-test'));
  const catalogue = JSON.parse(
    execFileSync(NODE, [COMMAND, 'verify', '--json', '--store', join(work, 'store')], { encoding: 'utf8' }),
  );
  const served = new Set(catalogue.proofs.map(({ arch }) => arch));
  const both = known.flatMap((name) => {
    const arch = idOf(name);
    return served.has(arch) ? [{ name, arch }] : [];
  });
  const times = compare(
    {
      ours: command('verify', ...new Set(both.map(({ arch }) => arch))),
      peer: [
        'sh',
        '-c',
        'for arch; do "$0" "$arch" || exit 1; done',
        archTest,
        ...both.map(({ name }) => name),
      ],
      all: [archTest],
    },
    runs,
  );
  return [
    ratio(`verify of ${both.length} arches, to arch-test of each`, times.ours, times.peer, 1.5),
    ratio('the same, to one arch-test of all that it knows', times.ours, times.all, null),
  ];
}

/** The id of what arch-test calls an arch; null for what is unknown. */
function idOf(name) {
  try {
    return JSON.parse(
      execFileSync(NODE, [COMMAND, 'catalogue', 'show', name, '--json'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ).profile.id;
  } catch {
    return null;
  }
}

/** Thirty arches from an unchanged store: rule, kernel, read back, note; nothing is proved, as systemd-binfmt does not. */
async function registering() {
  const ids = readdirSync(BINFMT)
    .filter((name) => name.startsWith('qemu-'))
    .map((name) => name.slice('qemu-'.length))
    .slice(0, RULES);
  const lines = ids.map((id) => registerString(`qemu-${id}`));
  removeEntries();
  const file = join(work, 'rules.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const empty = join(work, 'empty.conf');
  writeFileSync(empty, '');
  const systemdBinfmt = join(systemd, 'lib/systemd/systemd-binfmt');
  const env = { ...process.env, LD_LIBRARY_PATH: join(shared, 'usr/lib/x86_64-linux-gnu/systemd') };
  const cases = {
    ours: command('install', '--no-verify', '--quiet', ...ids),
    start: [NODE, COMMAND, '--version'],
    peer: [systemdBinfmt, file],
    peerStart: [systemdBinfmt, empty],
  };
  const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
  for (let run = 0; run <= runs; run++) {
    for (const [name, each] of Object.entries(cases)) {
      const taken = time(each, { env });
      removeEntries();
      if (run > 0) times[name].push(taken);
    }
  }
  const beyond = (all, start) => {
    const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
    const extra = median(all) - median(start);
    return { median: extra, min: extra, max: extra, runs: all.length };
  };
  const peer = beyond(times.peer, times.peerStart);
  return [
    ratio(
      `install of ${ids.length} rules beyond start-up, to systemd-binfmt`,
      beyond(times.ours, times.start),
      peer,
      null,
    ),
    ratio('of it the registering itself, each rule read back', summary(await inProcess(lines)), peer, null),
  ];
}

/** Milliseconds that the library takes for all of the rules, once it is loaded. */
async function inProcess(lines) {
  const contents = `export { register } from './src/binfmt/register.ts';
    export { parseRegister } from './src/rule/register.ts';`;
  const outfile = join(work, 'register.mjs');
  await build({
    stdin: { contents, resolveDir: resolve('.') },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  const { register, parseRegister } = await import(outfile);
  const times = [];
  for (let run = 0; run <= runs; run++) {
    const start = process.hrtime.bigint();
    for (const line of lines) register(BINFMT, parseRegister(Buffer.from(line)).rule);
    if (run > 0) times.push(Number(process.hrtime.bigint() - start) / 1e6);
    removeEntries();
  }
  return times;
}

function registerString(name) {
  const text = readFileSync(join(BINFMT, name), 'utf8');
  const field = (key) => new RegExp(`^${key} (.*)$`, 'm').exec(text)?.[1] ?? '';
  const escaped = (hex) => hex.replace(/../g, '\\x$&');
  const flags = /^flags: (.*)$/m.exec(text)?.[1] ?? '';
  return `:${name}:M::${escaped(field('magic'))}:${escaped(field('mask'))}:${field('interpreter')}:${flags}`;
}

/** Of this private instance alone. */
function removeEntries() {
  for (const name of readdirSync(BINFMT))
    if (name !== 'register' && name !== 'status') writeFileSync(join(BINFMT, name), '-1');
}
