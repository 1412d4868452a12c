// Compares binfmtctl with the kernel or with an original program for a long time, in a private binfmt_misc instance.
//   node scripts/differential.mjs execute|safety|systemd-binfmt|update-binfmts [--count N] [--seed N]
// For safety, `--jobs N` divides the count among N private instances, with consecutive seeds. `--no-check` and
// `--no-check=extensions|magic` disable the safety check, or part of it: the comparison must then fail.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const RUNS = {
  execute: { file: 'execute.test.ts', count: 'EXECUTE_BATCHES', seed: 'EXECUTE_SEED', usual: 8400 },
  safety: { file: 'safety-random.test.ts', count: 'SAFETY_SETS', seed: 'SAFETY_SEED', usual: 200_000 },
  'systemd-binfmt': {
    file: 'systemd-binfmt.test.ts',
    count: 'SYSTEMD_TREES',
    seed: 'SYSTEMD_SEED',
    usual: 500,
  },
  'update-binfmts': {
    file: 'update-binfmts/sequences.test.ts',
    count: 'UPDATE_BINFMTS_SEQUENCES',
    seed: 'UPDATE_BINFMTS_SEED',
    usual: 2000,
  },
};

const args = process.argv.slice(2).map((word) => (word === '--no-check' ? '--no-check=all' : word));
const { values, positionals } = parseArgs({
  args,
  allowPositionals: true,
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    'no-check': { type: 'string' },
  },
});
const [name] = positionals;
const run = RUNS[name];
const jobs = Number(values.jobs);
const CHECKS = { all: 'none', extensions: 'no-extensions', magic: 'no-magic' };
const check = values['no-check'] === undefined ? 'whole' : CHECKS[values['no-check']];
const isSpecial = jobs !== 1 || check !== 'whole';
if (
  run === undefined ||
  positionals.length > 1 ||
  !Number.isInteger(jobs) ||
  jobs < 1 ||
  check === undefined ||
  (isSpecial && name !== 'safety')
) {
  console.error(`usage: node scripts/differential.mjs ${Object.keys(RUNS).join('|')} [--count N] [--seed N]`);
  console.error('       node scripts/differential.mjs safety [--jobs N] [--no-check[=extensions|magic]]');
  process.exit(2);
}
const count = values.count ?? String(run.usual);
const seed = values.seed ?? String(randomInt(2 ** 31));
console.log(`${name}: count ${count}, seed ${seed}`);

const started = Date.now();
const statuses = await Promise.all(Array.from({ length: jobs }, (_, job) => runJob(job)));
const status = Math.max(...statuses);
const seconds = Math.round((Date.now() - started) / 1000);
console.log(`${name}: count ${count}, seed ${seed}, ${seconds} s, exit status ${status}`);
process.exit(status);

function runJob(job) {
  const own = Math.floor((Number(count) * (job + 1)) / jobs) - Math.floor((Number(count) * job) / jobs);
  const child = spawn(
    process.execPath,
    [
      ...['scripts/private-instance.mjs', '--', process.execPath, 'node_modules/vitest/vitest.mjs', 'run'],
      ...['--project', 'kernel', '--testTimeout', '0', '--hookTimeout', '0', `test/kernel/${run.file}`],
    ],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: {
        ...process.env,
        SAFETY_CHECK: check,
        [run.count]: String(own),
        [run.seed]: String(Number(seed) + job),
      },
    },
  );
  return new Promise((done) => child.once('exit', (code) => done(code ?? 1)));
}
