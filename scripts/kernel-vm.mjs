// Checks binfmtctl on Debian's kernels in virtual machines, or runs a command of this checkout on one of them.
//   node scripts/build.mjs && node scripts/kernel-vm.mjs --suite bullseye --suite bookworm --suite trixie --suite sid --suite experimental
//   node scripts/kernel-vm.mjs --suite bookworm --boots 1      only the first boot, without systemd
//   node scripts/kernel-vm.mjs --suite bookworm --disk -- 'binfmtctl install arm64 && binfmtctl status'
//   node scripts/kernel-vm.mjs --suite experimental -- node node_modules/vitest/vitest.mjs run --project kernel test/kernel/execute.test.ts
// The first two exit 0 if every case passes. With --disk, a shell command runs on a Debian disk with emulators, small foreign roots in
// /srv and a user "tester". Without it, a command runs in this checkout, from an initramfs.
// --kernel VMLINUZ --module binfmt_misc.ko, instead of --suite, runs a command from an initramfs on another kernel.
// Requires root, mmdebstrap, xz, e2fsprogs, busybox and qemu-system-x86_64. VM_VERBOSE=1 prints the output of each case.
// Downloads Debian once, from DEBIAN_MIRROR or the machine's mirror. Builds the disk in TMPDIR and keeps it in .cache/vm.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { expectCase } from './vm/cases.mjs';
import { archiveOf } from './vm/initramfs.mjs';
import { fetchKernel } from './vm/kernel.mjs';
import { kernelMachines } from './vm/kernel-cases.mjs';
import { exitWith } from './vm/machine.mjs';
import { prove } from './vm/proof.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** The parts of the checkout that tests need, and the parts of node_modules that they do not. */
const TAKEN = ['src', 'test', 'scripts', 'profiles', 'node_modules', 'package.json', 'vitest.config.ts'];
const LEFT = ['@biomejs', '@typescript', 'typescript', '@types', '.cache'];
const PROGRAMS = ['/bin/busybox', process.execPath];
const BUSYBOX_LINKS = ['sh', 'mount', 'umount', 'mkfifo', 'insmod', 'poweroff', 'cat', 'true', 'ls'];
const PASSED = ['EXECUTE_BATCHES', 'EXECUTE_SEED'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', multiple: true, default: [] },
    boots: { type: 'string', default: '99' },
    disk: { type: 'boolean', default: false },
    kernel: { type: 'string' },
    module: { type: 'string' },
    qemu: { type: 'string', default: 'qemu-system-x86_64 -cpu max -smp 2' },
    memory: { type: 'string', default: '3072' },
  },
});
const isCommand = positionals.length > 0;
const most = Number(values.boots);
if (values.disk && isCommand && values.suite.length === 1) await exitWith(runOnDisk);
if (!values.disk && !isCommand && values.suite.length > 0 && most >= 1) await exitWith(proveSuites);
const hasKernel = values.suite.length === 1 || (values.kernel && values.module);
if (values.disk || !isCommand || !hasKernel) {
  console.error('usage: kernel-vm.mjs --suite SUITE... [--boots N]');
  console.error('       kernel-vm.mjs --suite SUITE [--disk] -- COMMAND [ARGS...]');
  process.exit(2);
}

const work = mkdtempSync(join(tmpdir(), 'kernel-vm-'));
let status = 1;
try {
  const root = join(work, 'root');
  if (values.suite.length === 1) useSuite(values.suite[0]);
  furnish(root);
  const image = join(work, 'initramfs');
  writeFileSync(image, archiveOf(root));
  status = await boot(image);
} finally {
  rmSync(work, { recursive: true });
}
process.exit(status);

async function proveSuites() {
  const failed = [];
  for (const suite of values.suite) {
    const names = await prove({ suite, arch: 'amd64', machines: kernelMachines, most });
    failed.push(...names.map((name) => `${suite}: ${name}`));
  }
  for (const name of failed) console.error(`failed: ${name}`);
  return failed.length === 0 ? 0 : 1;
}

async function runOnDisk() {
  process.env.VM_VERBOSE = '1';
  const boots = [{ title: 'command', cases: [expectCase('command', positionals.join(' '))] }];
  const failed = await prove({ suite: values.suite[0], arch: 'amd64', machines: () => [{ boots }] });
  return failed.length === 0 ? 0 : 1;
}

/** Uses a release's kernel instead of --kernel and --module. */
function useSuite(suite) {
  const { image, modules } = fetchKernel(suite, 'amd64');
  values.kernel = image;
  values.module = join(work, 'binfmt_misc.ko');
  writeFileSync(values.module, modules.find(({ name }) => name === 'binfmt_misc').content);
}

function furnish(root) {
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'tmp', 'repo'])
    mkdirSync(join(root, folder), { recursive: true });
  const libraries = [...PROGRAMS, ...addons()].flatMap(librariesOf);
  for (const path of [...PROGRAMS, ...libraries]) take(path, join(root, path));
  for (const name of BUSYBOX_LINKS) take('/bin/busybox', join(root, 'bin', name));
  take(process.execPath, join(root, 'bin/node'));
  take(values.module, join(root, 'binfmt_misc.ko'));
  for (const name of TAKEN) {
    const isWanted = (path) => !LEFT.some((left) => path.startsWith(join(ROOT, 'node_modules', left)));
    cpSync(join(ROOT, name), join(root, 'repo', name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: isWanted,
    });
  }
  writeFileSync(join(root, 'init'), initScript(), { mode: 0o755 });
}

/** Native addons in node_modules. */
function addons() {
  const folder = join(ROOT, 'node_modules');
  const paths = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith('.node'));
  return paths.map((path) => join(folder, path));
}

function take(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(realpathSync(from), to);
}

function librariesOf(program) {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return stdout.match(/\/\S+(?= \(0x)/g) ?? [];
}

function initScript() {
  const quote = (word) => `'${word.replaceAll("'", `'\\''`)}'`;
  const variables = PASSED.filter((name) => process.env[name] !== undefined);
  return `#!/bin/sh
export PATH=/bin HOME=/tmp NO_COLOR=1 ${variables.map((name) => `${name}=${quote(process.env[name])}`).join(' ')}
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
insmod /binfmt_misc.ko
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
cat /proc/version
cd /repo
${positionals.map(quote).join(' ')}
echo "exit status $?"
poweroff -f
`;
}

/** Boots the image and returns the exit status of its command. */
function boot(image) {
  const [qemu, ...args] = values.qemu.split(' ');
  const machine = ['-m', values.memory, '-nographic', '-no-reboot', '-nic', 'none'];
  const kernel = [
    '-kernel',
    values.kernel,
    '-initrd',
    image,
    '-append',
    'console=ttyS0 quiet panic=-1 no_timer_check',
  ];
  const child = spawn(qemu, [...args, ...machine, ...kernel], { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = '';
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    last = (last + chunk).slice(-4096);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((done) => {
    child.on('error', (error) => {
      console.error(`${qemu}: ${error.message}`);
      done(1);
    });
    child.on('close', () => done(Number(/exit status (\d+)/.exec(last)?.[1] ?? 1)));
  });
}
