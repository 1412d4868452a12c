// Debian packages for tests and benchmarks, unpacked under .cache/ and never installed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = resolve(dirname(fileURLToPath(import.meta.url)), '../.cache');

/** Unpacks the named packages (those not yet there) and returns their root folders, in the same order. */
export function unpackPackages(...names) {
  const missing = names.filter((name) => !existsSync(rootOf(name)));
  if (missing.length > 0) fetchPackages(missing);
  return names.map(rootOf);
}

const rootOf = (name) => join(CACHE, 'packages', name);

function fetchPackages(names) {
  const work = join(CACHE, `apt-${process.pid}`);
  mkdirSync(join(work, 'lists/partial'), { recursive: true });
  mkdirSync(join(work, 'archives/partial'), { recursive: true });
  mkdirSync(join(CACHE, 'packages'), { recursive: true });
  const apt = (...args) =>
    execFileSync(
      'apt-get',
      [
        '-q',
        `-oDir::State=${work}`,
        `-oDir::State::lists=${work}/lists`,
        `-oDir::Cache=${work}`,
        '-oDir::State::status=/var/lib/dpkg/status',
        '-oAPT::Sandbox::User=root',
        ...args,
      ],
      { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] },
    );
  apt('update');
  apt('download', ...names);
  for (const name of names) {
    const file = readdirSync(work).find((each) => each.startsWith(`${name}_`));
    const unpacking = join(work, name);
    execFileSync('dpkg-deb', ['-x', join(work, file), unpacking]);
    renameSync(unpacking, rootOf(name));
  }
  rmSync(work, { recursive: true, force: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(unpackPackages(...process.argv.slice(2)).join('\n'));
