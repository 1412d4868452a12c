// Runs the test suite of binfmt-support against `binfmtctl update-binfmts` and a real binfmt_misc. Requires a built dist/.
//   node scripts/binfmt-support-suite.mjs [TEST...]
// apt downloads the suite into .cache/. Each test runs in a private instance, with three replacements: `update-binfmts`, a link to
// the built program; `binfmt_misc.py`, which mounts the kernel's file system instead of the suite's emulation with FUSE; and
// `fusermount`, which unmounts it.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackSource } from './packages.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const DIST = join(ROOT, 'dist');
const VERSION = '2.2.2';
const TESTS = ['install', 'import', 'display', 'enable', 'detectors', 'find'];
const ASSERTIONS = 97;
/** The directory of the Debian package's run-detectors, which binfmtctl registers as the interpreter if it is installed. */
const INSTALLED = '/usr/lib/binfmt-support';

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !TESTS.includes(name));
if (unknown !== undefined) {
  console.error(`unknown test: ${unknown} (expected ${TESTS.join(', ')})`);
  process.exit(2);
}
const tests = wanted.length > 0 ? wanted : TESTS;
const suite = join(unpackSource('binfmt-support', VERSION), 'src/tests');
const directory = mkdtempSync(join(tmpdir(), 'binfmt-support-suite-'));
let passed = 0;
let failed = 0;
try {
  for (const name of [...tests, 'testlib.sh']) copyFileSync(join(suite, name), join(directory, name));
  writeScript('binfmt_misc.py', 'exec mount -t binfmt_misc binfmt_misc "$1"');
  writeScript('fusermount', 'exec umount "$2"');
  symlinkSync(join(DIST, 'cli.cjs'), join(directory, 'update-binfmts'));
  for (const name of tests) {
    const { status, stdout, stderr } = runTest(name);
    const results = stdout.match(/^ {2}(PASS|FAIL): .*$/gm) ?? [];
    const failures = results.filter((line) => line.startsWith('  FAIL'));
    passed += results.length - failures.length;
    const hasPassed = status === 0 && failures.length === 0;
    if (!hasPassed) failed++;
    console.log(`${hasPassed ? 'passed' : `FAILED (exit status ${status})`}: ${name}`);
    if (!hasPassed) process.stdout.write(`${stdout}${stderr}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
const isComplete = wanted.length > 0 || passed === ASSERTIONS;
console.log(
  `${passed}${wanted.length > 0 ? '' : ` of ${ASSERTIONS}`} assertions of binfmt-support ${VERSION} passed`,
);
process.exit(failed === 0 && isComplete ? 0 : 1);

function writeScript(name, command) {
  writeFileSync(join(directory, name), `#!/bin/sh\n${command}\n`);
  chmodSync(join(directory, name), 0o755);
}

function runTest(name) {
  const libraries = existsSync(join(INSTALLED, 'run-detectors')) ? INSTALLED : DIST;
  const env = {
    ...process.env,
    PATH: `${directory}:${process.env.PATH}`,
    RUN_DETECTORS: join(libraries, 'run-detectors'),
    pkglibexecdir: libraries,
    srcdir: '.',
  };
  const command = [join(ROOT, 'scripts/private-instance.mjs'), '--', '/bin/sh', `./${name}`];
  return spawnSync(process.execPath, command, { cwd: directory, env, encoding: 'utf8' });
}
