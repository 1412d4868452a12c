// Debian packages of other releases and architectures, and root file systems made of them, under .cache/vm.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownMirror } from '../packages.mjs';

const CACHE = resolve(dirname(fileURLToPath(import.meta.url)), '../../.cache/vm');
const MIRROR = process.env.DEBIAN_MIRROR ?? ownMirror();
const KEYS = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
const UNWANTED = ['doc', 'man', 'locale', 'icons', 'info'].map(
  (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
);

/** Opens a release's package lists without the machine's own apt configuration. */
export function openRelease(suite, arch, { hasUpdates = false } = {}) {
  const work = join(CACHE, 'apt', `${suite}-${arch}${hasUpdates ? '-updates' : ''}`);
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(work, name), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  writeFileSync(join(work, 'sources.list'), sourcesOf(suite, hasUpdates));
  const options = [
    '-qq',
    '-oAcquire::Retries=3',
    `-oDir::State=${work}`,
    `-oDir::State::status=${work}/status`,
    `-oDir::Cache=${work}`,
    `-oDir::Etc::sourcelist=${work}/sources.list`,
    '-oDir::Etc::sourceparts=/dev/null',
    '-oDir::Etc::preferencesparts=/dev/null',
    // Only for experimental: it would put a release above its own security updates.
    ...(suite === 'experimental' ? ['-oAPT::Default-Release=experimental'] : []),
    '-oAPT::Sandbox::User=root',
    `-oAPT::Architecture=${arch}`,
    `-oAPT::Architectures::=${arch}`,
  ];
  const apt = (tool, ...args) =>
    execFileSync(tool, [...options, ...args], {
      cwd: work,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  bringUpToDate(work, apt);
  return { suite, arch, work, apt };
}

/** Updates the lists at most every twelve hours: the lists of all releases take a minute. */
function bringUpToDate(work, apt) {
  const stamp = join(work, 'updated');
  const sources = readFileSync(join(work, 'sources.list'), 'utf8');
  const isFresh = existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < 12 * 3_600_000;
  if (isFresh && readFileSync(stamp, 'utf8') === sources) return;
  apt('apt-get', 'update');
  writeFileSync(stamp, sources);
}

function sourcesOf(suite, hasUpdates) {
  const main = `deb ${KEYS} ${MIRROR} ${suite} main\n`;
  if (suite === 'experimental') return `${main}deb ${KEYS} ${MIRROR} sid main\n`;
  if (suite === 'sid' || !hasUpdates) return main;
  return `${main}deb ${KEYS} ${MIRROR}-security ${suite}-security main\n`;
}

/** Returns the packages that the newest version of a package depends on. */
export function dependenciesOf(release, name) {
  const text = release.apt('apt-cache', 'show', '--no-all-versions', name);
  const depends = /^Depends: (.*)$/m.exec(text)?.[1] ?? '';
  return depends.split(/\s*,\s*/).map((each) => each.replace(/\s.*/, ''));
}

/** Unpacks the newest versions of packages into one directory, and returns it. `isWanted` selects files: a kernel has five thousand
 * modules. */
export function unpackNewest(release, names, isWanted = () => true) {
  const uris = release.apt('apt-get', 'download', '--print-uris', ...names);
  const files = [...uris.matchAll(/^'[^']*' (\S+)/gm)].map(([, file]) => file.replace('.deb', '')).sort();
  const target = cached('packages', `${release.suite}-${files.join('+')}`);
  if (existsSync(target)) return target;
  release.apt('apt-get', 'download', ...names);
  const unpacking = `${target}.${process.pid}`;
  mkdirSync(unpacking);
  for (const file of readdirSync(release.work).filter((name) => name.endsWith('.deb'))) {
    unpack(join(release.work, file), unpacking, isWanted);
    rmSync(join(release.work, file));
  }
  renameSync(unpacking, target);
  return target;
}

function unpack(file, target, isWanted) {
  const tar = `${file}.tar`;
  execFileSync('sh', ['-c', 'dpkg-deb --fsys-tarfile "$1" >"$2"', 'sh', file, tar]);
  const names = execFileSync('tar', ['-tf', tar], { encoding: 'utf8', maxBuffer: 64 << 20 }).split('\n');
  const wanted = names.filter((name) => name !== '' && !name.endsWith('/') && isWanted(name));
  execFileSync('tar', ['-x', '-f', tar, '-C', target, '-T', '-'], { input: wanted.join('\n') });
  rmSync(tar);
}

/** Creates the image of a root file system without running its programs, unless it exists with the same `recipe`. `finish` completes
 * the directory. Requires mmdebstrap and root. */
export function makeDisk({ suite, arch, packages, recipe }, finish) {
  const disk = cached('disks', `${suite}-${arch}.ext4`);
  if (existsSync(`${disk}.recipe`) && readFileSync(`${disk}.recipe`, 'utf8') === recipe) return disk;
  const work = mkdtempSync(join(tmpdir(), 'binfmtctl-root-'));
  try {
    const root = join(work, 'root');
    const options = ['--mode=root', '--variant=extract', `--architectures=${arch}`, ...UNWANTED];
    execFileSync('mmdebstrap', [...options, `--include=${packages.join(',')}`, suite, root, MIRROR], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    for (const name of ['passwd', 'group'])
      copyFileSync(join(root, `usr/share/base-passwd/${name}.master`), join(root, 'etc', name));
    finish(root);
    rmSync(disk, { force: true });
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', root, disk, '2G']);
    writeFileSync(`${disk}.recipe`, recipe);
  } finally {
    rmSync(work, { recursive: true });
  }
  return disk;
}

/** Returns a path in the cache of virtual machines, and creates its parent directory. */
export function cached(...names) {
  const path = join(CACHE, ...names);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}
