// Unpacks Debian packages for tests, benchmarks and releases to .cache/, without installing them.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = resolve(dirname(fileURLToPath(import.meta.url)), '../.cache');

/** Unpacks the named packages, unless they are in the cache, and returns their root directories in the same order. `NAME:ARCH` is a
 * package for another architecture, `NAME:ARCH@SUITE` one of another Debian release. */
export function unpackPackages(...names) {
  const missing = names.filter((name) => !existsSync(rootOf(name)));
  if (missing.length > 0) fetchAlone(missing);
  return names.map(rootOf);
}

/** Test jobs run in parallel and need the same packages, so only one process at a time downloads, under flock(1). */
function fetchAlone(names) {
  mkdirSync(CACHE, { recursive: true });
  const self = fileURLToPath(import.meta.url);
  const options = { stdio: ['ignore', 'ignore', 'pipe'] };
  execFileSync('flock', [join(CACHE, 'lock'), process.execPath, self, '--locked', ...names], options);
}

/** The fields of a package's control file, and the `sha256` of the package. */
export function controlOf(name) {
  const file = `${rootOf(name)}.control.json`;
  if (!existsSync(file)) rmSync(rootOf(name), { recursive: true, force: true });
  unpackPackages(name);
  return JSON.parse(readFileSync(file, 'utf8'));
}

const rootOf = (name) => join(CACHE, 'packages', name.replace(':', '_'));

/** Unpacks the upstream source of a package, unless it is in the cache, and returns its root directory. */
export function unpackSource(name, version) {
  const root = join(CACHE, 'sources', `${name}-${version}`);
  if (existsSync(root)) return root;
  const { work, apt } = startApt();
  const sources = sourceLists(work);
  const lists = ['-oDir::Etc::sourcelist=/dev/null', `-oDir::Etc::sourceparts=${sources}`];
  apt(...lists, 'update');
  apt(...lists, 'source', '--tar-only', '--download-only', name);
  const archive = readdirSync(work).find((each) => each.startsWith(`${name}_${version}.orig.tar.`));
  if (archive === undefined)
    throw new Error(`apt has no ${name} ${version}: ${readdirSync(work).join(', ')}`);
  const unpacking = join(work, 'source');
  mkdirSync(unpacking);
  execFileSync('tar', ['-x', '--strip-components=1', '-f', join(work, archive), '-C', unpacking]);
  mkdirSync(dirname(root), { recursive: true });
  renameSync(unpacking, root);
  rmSync(work, { recursive: true, force: true });
  return root;
}

/** The keys of all Debian releases. */
const DEBIAN_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Writes a source list for another release of this machine's distribution, on the same mirror. Returns apt's options for it. */
function suiteList(work, suite) {
  const list = join(work, `${suite}.list`);
  const keys = existsSync(DEBIAN_KEYS) ? `[signed-by=${DEBIAN_KEYS}] ` : '';
  writeFileSync(list, `deb ${keys}${ownMirror()} ${suite} main\n`);
  return ['-oDir::Etc::sourceparts=/dev/null', `-oDir::Etc::sourcelist=${list}`];
}

/** Returns the URL of apt's mirror for this machine's release. */
export function ownMirror() {
  const own = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const form = ['--format', '$(CODENAME) $(SITE)', 'Created-By: Packages'];
  const sites = execFileSync('apt-get', ['indextargets', ...form], { encoding: 'utf8' }).split('\n');
  const [, site] = sites.find((line) => line.startsWith(`${own} `))?.split(' ') ?? [];
  if (site === undefined) throw new Error(`apt has no mirror of ${own}`);
  return site;
}

/** Copies apt's source lists, with source packages instead of binary packages. */
function sourceLists(work) {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts) : [];
  const lists = names.filter((name) => /\.(list|sources)$/.test(name)).map((name) => join(parts, name));
  const copies = join(work, 'sources');
  mkdirSync(copies);
  for (const list of ['/etc/apt/sources.list', ...lists].filter(existsSync)) {
    const text = readFileSync(list, 'utf8')
      .replaceAll(/^deb-src\s.*$/gm, '')
      .replaceAll(/^deb\s/gm, 'deb-src ')
      .replaceAll(/^Types:.*$/gm, 'Types: deb-src');
    writeFileSync(join(copies, basename(list)), text);
  }
  return copies;
}

/** Returns apt-get with private lists and caches, and their directory, which the caller removes. */
function startApt() {
  const work = join(CACHE, `apt-${process.pid}`);
  mkdirSync(join(work, 'lists/partial'), { recursive: true });
  mkdirSync(join(work, 'archives/partial'), { recursive: true });
  const options = [
    '-q',
    `-oDir::State=${work}`,
    `-oDir::State::lists=${work}/lists`,
    `-oDir::Cache=${work}`,
    '-oDir::State::status=/var/lib/dpkg/status',
    '-oAPT::Sandbox::User=root',
  ];
  const apt = (...args) =>
    execFileSync('apt-get', [...options, ...args], { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
  return { work, apt };
}

function fetchPackages(names) {
  const suites = new Set(names.map((name) => name.split('@')[1]));
  for (const suite of suites)
    fetchFrom(
      suite,
      names.filter((name) => name.split('@')[1] === suite),
    );
}

/** Downloads and unpacks packages of one release, by default the machine's. */
function fetchFrom(suite, names) {
  const { work, apt } = startApt();
  mkdirSync(join(CACHE, 'packages'), { recursive: true });
  const lists = suite === undefined ? [] : suiteList(work, suite);
  const own = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  const partsOf = (name) => name.split('@')[0].split(':');
  const foreign = names.map((name) => partsOf(name)[1]).filter((arch) => arch !== undefined && arch !== own);
  const architectures =
    foreign.length === 0 ? [] : [own, ...new Set(foreign)].map((arch) => `-oAPT::Architectures::=${arch}`);
  apt(...lists, ...architectures, 'update');
  apt(...lists, ...architectures, 'download', ...names.map((name) => partsOf(name).join(':')));
  for (const name of names) {
    const [plain, arch = own] = partsOf(name);
    const isIt = (each) =>
      each.startsWith(`${plain}_`) && (each.endsWith(`_${arch}.deb`) || each.endsWith('_all.deb'));
    const file = join(work, readdirSync(work).find(isIt));
    const unpacking = join(work, name);
    execFileSync('dpkg-deb', ['-x', file, unpacking]);
    writeFileSync(`${rootOf(name)}.control.json`, JSON.stringify(readControl(file), null, 1));
    renameSync(unpacking, rootOf(name));
  }
  rmSync(work, { recursive: true, force: true });
}

function readControl(file) {
  const text = execFileSync('dpkg-deb', ['-f', file], { encoding: 'utf8' });
  const fields = text.matchAll(/^(\S+): (.*)$/gm);
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  return { ...Object.fromEntries([...fields].map(([, name, value]) => [name, value])), sha256 };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [first, ...rest] = process.argv.slice(2);
  if (first === '--locked') fetchMissing(rest);
  else console.log(unpackPackages(first, ...rest).join('\n'));
}

function fetchMissing(names) {
  const missing = names.filter((name) => !existsSync(rootOf(name)));
  if (missing.length > 0) fetchPackages(missing);
}
