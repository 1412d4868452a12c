// Runs tests with instrumented sources, in vitest and in all commands that tests start, and prints the covered lines and branches.
//   node scripts/coverage.mjs [unit] [integration] [kernel] [-- FILE...]
// Exits 1 if tests fail or, without FILE, if coverage is below FLOOR for the projects.
//
// V8's coverage (NODE_V8_COVERAGE) does not work here: vitest kills its workers before they write it, and each of thousands of
// commands would write at least 340 kB about the minified program. An instrumented process writes one bit per statement, about 2 kB.
//
// Not in `npm test`: the instrumented command is one file of 2.3 MB, and each of thousands of starts takes 0.37 s of processor time
// instead of 0.22 s.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { instrument } from './coverage/instrument.mjs';
import { jobsOf } from './tests/jobs.mjs';
import { runJobs } from './tests/run-jobs.mjs';

delete process.env.NODE_EXTRA_CA_CERTS;

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const PROJECTS = ['unit', 'integration', 'kernel'];
/**
 * In percent, by the projects that ran: the measured coverage, rounded down. Coverage with all kernel tests is not measured yet: update
 * the last line from a nightly run.
 */
const FLOOR = {
  unit: { lines: 31, branches: 29 },
  'unit integration': { lines: 54, branches: 49 },
  'unit integration kernel': { lines: 54, branches: 49 },
};

const words = process.argv.slice(2);
const at = words.indexOf('--');
const files = at < 0 ? [] : words.slice(at + 1);
const named = at < 0 ? words : words.slice(0, at);
const projects = PROJECTS.filter((name) => named.length === 0 || named.includes(name));

const work = mkdtempSync(join(tmpdir(), 'binfmtctl-coverage-'));
const written = join(work, 'bits');
process.on('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
// Tests run commands as other users.
chmodSync(work, 0o755);
mkdirSync(written);
chmodSync(written, 0o1777);

const sources = instrumentAll();
await buildCommand();
const isGood = await runTests();
// Replace the instrumented command in dist/.
spawnSync(process.execPath, ['scripts/build.mjs', '--quick'], { cwd: ROOT, stdio: 'inherit' });
const bits = union();
const isEnough = print();
process.exit(isGood && isEnough ? 0 : 1);

/** Writes instrumented copies of the sources to `work`. Returns the points of each. */
function instrumentAll() {
  const runtime = join(work, 'runtime.mjs');
  let count = 0;
  const all = typescriptIn('src').map((path) => {
    const { text, points } = instrument(path, readFileSync(join(ROOT, path), 'utf8'), {
      first: count,
      runtime,
    });
    mkdirSync(join(work, dirname(path)), { recursive: true });
    writeFileSync(join(work, path), text);
    const source = { path, first: count, points };
    count += points.length;
    return source;
  });
  const given = JSON.stringify({ directory: written, count });
  const text = readFileSync(join(ROOT, 'scripts/coverage/runtime.mjs'), 'utf8');
  writeFileSync(runtime, text.replace('COVERAGE', given));
  const setup =
    "import { afterAll } from 'vitest';\nimport { flush } from './runtime.mjs';\nafterAll(flush);\n";
  writeFileSync(join(work, 'setup.mjs'), setup);
  return all;
}

/** Builds the command as one file, without files that are loaded on demand. */
async function buildCommand() {
  const quick = spawnSync(process.execPath, ['scripts/build.mjs', '--quick'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (quick.status !== 0) process.exit(1);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const instrumented = {
    name: 'instrumented',
    setup: ({ onLoad, onResolve }) => {
      onResolve({ filter: /\/builtin\.json$/ }, () => ({ path: './builtin.json', external: true }));
      onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path.replace(ROOT, work), 'utf8'),
        loader: 'ts',
      }));
    },
  };
  await build({
    absWorkingDir: ROOT,
    entryPoints: {
      cli: 'src/cli/main.ts',
      'run-detectors': 'src/cli/drop-in/run-detectors.ts',
      launcher: 'src/system/process/launcher.ts',
    },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    define: { BINFMTCTL_VERSION: JSON.stringify(version), 'import.meta.dirname': '__dirname' },
    plugins: [instrumented],
  });
}

/** Some tests may fail only because the instrumented program is larger and slower. */
async function runTests() {
  process.env.COVERAGE = work;
  if (files.length === 0) return runJobs(ROOT, jobsOf(ROOT, projects));
  return projects
    .filter((name) => files.some((file) => file.includes(`test/${name}`)))
    .map((name) => {
      const vitest = ['node_modules/.bin/vitest', 'run', '--project', name, ...files];
      const command = name === 'kernel' ? ['scripts/private-instance.mjs', '--', ...vitest] : vitest;
      return spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit' }).status === 0;
    })
    .every(Boolean);
}

/** The points that any process reached. */
function union() {
  const names = readdirSync(written);
  const all = new Uint8Array(Math.ceil((sources.at(-1).first + sources.at(-1).points.length) / 8));
  for (const name of names)
    for (const [index, byte] of readFileSync(join(written, name)).entries()) all[index] |= byte;
  console.log(`\n${names.length} processes and test files`);
  return all;
}

function print() {
  const directories = [...new Set(sources.map(({ path }) => path.split('/').slice(0, 2).join('/')))];
  console.log(`\n${'directory'.padEnd(24)}     lines  branches`);
  for (const directory of directories)
    row(directory, ({ path }) => path.startsWith(`${directory}/`) || path === directory);
  const { lines, branches } = row('src', () => true);
  const floor = FLOOR[projects.join(' ')];
  if (files.length > 0 || floor === undefined) return true;
  const isEnough = lines >= floor.lines && branches >= floor.branches;
  if (!isEnough) console.log(`below the floor: ${floor.lines} % of lines, ${floor.branches} % of branches`);
  return isEnough;
}

function row(name, isPart) {
  const parts = sources.filter(isPart).map(resultOf);
  const percent = (kind) => {
    const all = parts.flatMap((part) => part[kind]);
    return all.length === 0 ? 100 : (100 * all.filter(Boolean).length) / all.length;
  };
  const result = { lines: percent('lines'), branches: percent('branches') };
  const shown = [result.lines, result.branches].map((each) => `${each.toFixed(1)} %`.padStart(10));
  console.log(`${name.padEnd(24)}${shown.join('')}`);
  return result;
}

/** A line ran if all statements and functions that start on it ran. */
function resultOf({ first, points }) {
  const lines = new Map();
  const branches = [];
  for (const [index, { kind, line }] of points.entries()) {
    const id = first + index;
    const ran = (bits[id >> 3] & (1 << (id & 7))) !== 0;
    if (kind === 'branch') branches.push(ran);
    else lines.set(line, ran && (lines.get(line) ?? true));
  }
  return { lines: [...lines.values()], branches };
}

function typescriptIn(directory) {
  return readdirSync(join(ROOT, directory), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => join(directory, name));
}
