// Runs the tests in parallel on all processors. Kernel and system tests use private binfmt_misc instances in user namespaces, not the
// machine's. Engine and nightly tests need the machine's instance: they mount it if necessary, and restore its state. They also rebuild
// dist/, so they run alone, after the others.
//   node scripts/test.mjs [unit] [integration] [kernel] [system] [engine] [nightly] [-- vitest arguments]
// With vitest arguments, such as files, each project runs in one vitest.
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jobsOf } from './tests/jobs.mjs';
import { PRIVATE, runJobs } from './tests/run-jobs.mjs';

// Node 20 parses all certificates of this file at each start, which costs 50 ms for each of thousands of processes.
delete process.env.NODE_EXTRA_CA_CERTS;

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const DEFAULT = ['kernel', 'integration', 'unit'];
const SIDE_BY_SIDE = ['system', ...DEFAULT];
const ON_MACHINE = ['engine', 'nightly'];
const [words, passed] = splitAt(process.argv.slice(2), '--');
const unknown = words.filter((word) => ![...SIDE_BY_SIDE, ...ON_MACHINE].includes(word));
if (unknown.length > 0) {
  console.error(
    `usage: node scripts/test.mjs [unit] [integration] [kernel] [system] [engine] [nightly] [-- vitest arguments]`,
  );
  process.exit(2);
}
const projects = (words.length > 0 ? words : DEFAULT).filter(isPossible);

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
const results = [run('node', ['scripts/build.mjs'])];
const together = passed.length > 0 ? [] : projects.filter((name) => SIDE_BY_SIDE.includes(name));
if (together.length > 0)
  results.push(
    await runJobs(
      ROOT,
      jobsOf(
        ROOT,
        SIDE_BY_SIDE.filter((name) => together.includes(name)),
      ),
    ),
  );
const alone = projects.filter((name) => !together.includes(name));
results.push(...alone.map((name) => vitest(PRIVATE.includes(name), name)));
process.exit(results.every(Boolean) && process.exitCode !== 1 ? 0 : 1);

/** Prints why a project is skipped, which is a failure in CI. */
function isPossible(project) {
  const why = skipReason(project);
  if (why === null) return true;
  console.log(`${project} tests SKIPPED: ${why}`);
  if (process.env.CI === 'true') process.exitCode = 1;
  return false;
}

function skipReason(project) {
  if (ON_MACHINE.includes(project)) return process.getuid() === 0 ? null : 'they need root';
  if (!PRIVATE.includes(project)) return null;
  const words = ['scripts/private-instance.mjs', '--', 'true'];
  const { status, stderr } = spawnSync('node', words, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? null : `cannot create a private binfmt_misc instance: ${stderr.trim()}`;
}

function vitest(isPrivate, project) {
  const command = ['node_modules/.bin/vitest', 'run', '--project', project, ...passed];
  return isPrivate
    ? run('node', ['scripts/private-instance.mjs', '--', ...command])
    : run(command[0], command.slice(1));
}

function run(file, args) {
  return spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' }).status === 0;
}

function splitAt(list, mark) {
  const at = list.indexOf(mark);
  return at < 0 ? [list, []] : [list.slice(0, at), list.slice(at + 1)];
}
