// Creates Debian root file systems of other architectures for tests, with mmdebstrap, and keeps them in .cache/roots.
//   node scripts/private-instance.mjs -- node scripts/debian-root.mjs arm64 [--unpacked]
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { ownMirror, unpackPackages } from './packages.mjs';

const CHECKOUT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const KEPT = join(CHECKOUT, '.cache/roots');
/** Debian has riscv64 since trixie. */
const BEFORE_RISCV64 = ['buster', 'bullseye', 'bookworm'];
/** The gid of group mail in every Debian. */
const MAIL = 8;
/** The packages of an unpacked root. */
const UNPACKED = ['base-files', 'base-passwd', 'bash', 'coreutils', 'dash', 'dpkg', 'passwd', 'util-linux'];

/**
 * Returns the root of a Debian architecture, and creates it if it does not exist. It contains apt and is configured by running its
 * programs, which takes minutes; or, if `unpacked`, it is only unpacked and has no apt.
 */
export async function debianRoot(arch, { unpacked = false } = {}) {
  const root = rootOf(arch, unpacked);
  if (existsSync(root)) return root;
  mkdirSync(KEPT, { recursive: true });
  // Test jobs run in parallel: one process creates a root, under flock(1), and the others wait.
  const self = [process.execPath, fileURLToPath(import.meta.url), arch, ...(unpacked ? ['--unpacked'] : [])];
  await promisify(execFile)('flock', [`${root}.lock`, ...self]);
  return root;
}

function makeRoot(arch, unpacked) {
  const root = rootOf(arch, unpacked);
  if (existsSync(root)) return;
  const store = mkdtempSync(join(tmpdir(), 'debian-root-'));
  try {
    if (!unpacked) binfmtctl('install', arch, '--source', `dir:${emulators()}`, '--store', store);
    bootstrap(
      arch,
      unpacked ? ['--variant=extract', `--include=${UNPACKED.join(',')}`] : ['--variant=apt'],
      `${root}.partial`,
    );
    if (unpacked) addAccounts(`${root}.partial`);
    else binfmtctl('uninstall', arch, '--store', store);
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
  renameSync(`${root}.partial`, root);
}

function bootstrap(arch, variant, root) {
  const [mmdebstrap = ''] = unpackPackages('mmdebstrap');
  rmSync(root, { recursive: true, force: true });
  const fast = ['--dpkgopt=force-unsafe-io', '--skip=check/qemu'];
  const options = ['--mode=root', `--arch=${arch}`, '--format=directory', ...fast, ...variant];
  const words = [join(mmdebstrap, 'usr/bin/mmdebstrap'), ...options, suiteOf(arch), root, ownMirror()];
  const { status, stderr } = spawnSync('perl', words, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status !== 0) throw new Error(`mmdebstrap: ${stderr}`);
}

/** Creates the files of the maintainer scripts of base-passwd and base-files. */
function addAccounts(root) {
  for (const name of ['passwd', 'group'])
    copyFileSync(join(root, `usr/share/base-passwd/${name}.master`), join(root, 'etc', name));
  mkdirSync(join(root, 'opt'), { recursive: true });
  mkdirSync(join(root, 'var/mail'), { recursive: true });
  chownSync(join(root, 'var/mail'), 0, MAIL);
}

const emulators = () => join(unpackPackages('qemu-user-static')[0], 'usr/bin');

function binfmtctl(...words) {
  execFileSync(process.execPath, [join(CHECKOUT, 'dist/cli.cjs'), ...words], { stdio: 'ignore' });
}

const rootOf = (arch, unpacked) => join(KEPT, `${arch}-${suiteOf(arch)}${unpacked ? '-unpacked' : ''}`);

const suiteOf = (arch) => (arch === 'riscv64' && BEFORE_RISCV64.includes(ownSuite()) ? 'trixie' : ownSuite());

const ownSuite = () =>
  /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { unpacked: { type: 'boolean' } },
  });
  for (const arch of positionals) makeRoot(arch, values.unpacked === true);
}
