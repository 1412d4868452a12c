// A long comparison with the kernel or with an original program, in a private binfmt_misc instance.
//   node scripts/differential.mjs execute|systemd-binfmt|update-binfmts [--count N] [--seed N]
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const RUNS = {
  execute: { file: 'execute.test.ts', count: 'EXECUTE_BATCHES', seed: 'EXECUTE_SEED', usual: 8400 },
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

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string' }, seed: { type: 'string' } },
});
const run = RUNS[positionals[0]];
if (run === undefined || positionals.length > 1) {
  console.error(`usage: node scripts/differential.mjs ${Object.keys(RUNS).join('|')} [--count N] [--seed N]`);
  process.exit(2);
}
const count = values.count ?? String(run.usual);
const seed = values.seed ?? String(randomInt(2 ** 31));
console.log(`${positionals[0]}: count ${count}, seed ${seed}`);

const started = Date.now();
const { status } = spawnSync(
  process.execPath,
  [
    ...['scripts/private-instance.mjs', '--', process.execPath, 'node_modules/vitest/vitest.mjs', 'run'],
    ...['--project', 'kernel', '--testTimeout', '0', '--hookTimeout', '0', `test/kernel/${run.file}`],
  ],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, [run.count]: count, [run.seed]: seed } },
);
const seconds = Math.round((Date.now() - started) / 1000);
console.log(`${positionals[0]}: count ${count}, seed ${seed}, ${seconds} s, exit status ${status ?? 1}`);
process.exit(status ?? 1);
