// Runs the tests: unit and integration as they are, kernel tests inside a user namespace with a binfmt_misc
// instance of its own, so that the machine's own instance is not touched. Engine tests need that: they mount it where
// it is not, and leave it as they found it.
//   node scripts/test.mjs [unit] [integration] [kernel] [system] [engine] [nightly] [-- vitest arguments]
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// Node 20 parses every certificate of this file at each start: 50 ms for each of the thousands of processes.
delete process.env.NODE_EXTRA_CA_CERTS;

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const all = ['unit', 'integration', 'kernel'];
const [words, passed] = splitAt(process.argv.slice(2), '--');
const wanted = words.length > 0 ? words : all;

const statuses = [run('node', ['scripts/build.mjs', '--quick'])];
const onMachine = wanted.filter((name) => name === 'engine' || name === 'nightly');
const privately = wanted.filter((name) => name === 'kernel' || name === 'system');
const plain = wanted.filter((name) => !privately.includes(name) && !onMachine.includes(name));
if (plain.length > 0) statuses.push(vitest([], plain));
if (privately.length > 0) statuses.push(privateTests(privately));
if (onMachine.length > 0) statuses.push(engineTests(onMachine));
process.exit(statuses.some((status) => status !== 0) ? 1 : 0);

function privateTests(projects) {
  const enter = ['node', 'scripts/private-instance.mjs', '--'];
  const probe = spawnSync(enter[0], [...enter.slice(1), 'true'], { cwd: ROOT, encoding: 'utf8' });
  if (probe.status === 0) return vitest(enter, projects);
  console.log(
    `${projects.join(' and ')} tests SKIPPED: no private binfmt_misc instance here: ${probe.stderr.trim()}`,
  );
  return process.env.CI === 'true' ? 1 : 0;
}

function engineTests(projects) {
  if (process.getuid() === 0) return vitest([], projects);
  console.log(`${projects.join(' and ')} tests SKIPPED: they need root`);
  return process.env.CI === 'true' ? 1 : 0;
}

function vitest(prefix, projects) {
  const command = [
    ...prefix,
    'node_modules/.bin/vitest',
    'run',
    ...projects.flatMap((name) => ['--project', name]),
    ...passed,
  ];
  return run(command[0], command.slice(1));
}

function run(file, args) {
  return spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' }).status ?? 1;
}

function splitAt(list, mark) {
  const at = list.indexOf(mark);
  return at < 0 ? [list, []] : [list.slice(0, at), list.slice(at + 1)];
}
