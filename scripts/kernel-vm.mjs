// Runs a command in this folder on another kernel, in a virtual machine that has all of it in memory.
//   node scripts/kernel-vm.mjs --kernel VMLINUZ --module binfmt_misc.ko [--qemu 'qemu-system-x86_64 -cpu max'] -- COMMAND [ARGS...]
// Debian's kernels come in two packages, to be downloaded and unpacked without installing them (dpkg -x):
// linux-binary-unsigned-VERSION-cloud-amd64 and linux-modules-VERSION-cloud-amd64 (`xz -d` the module). Needs busybox.
// The kernel tests on Linux 7.3:
//   node scripts/kernel-vm.mjs --kernel … --module … -- node node_modules/vitest/vitest.mjs run --project kernel test/kernel/execute.test.ts
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** Of the folder, what tests need; of node_modules, all but what no test runs. */
const TAKEN = ['src', 'test', 'scripts', 'profiles', 'node_modules', 'package.json', 'vitest.config.ts'];
const LEFT = ['@biomejs', '@typescript', 'typescript', '@types', '.cache'];
const PROGRAMS = ['/bin/busybox', process.execPath];
const BUSYBOX_LINKS = ['sh', 'mount', 'umount', 'mkfifo', 'insmod', 'poweroff', 'cat', 'true', 'ls'];
const PASSED = ['EXECUTE_BATCHES', 'EXECUTE_SEED'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kernel: { type: 'string' },
    module: { type: 'string' },
    qemu: { type: 'string', default: 'qemu-system-x86_64 -cpu max -smp 2' },
    memory: { type: 'string', default: '3072' },
  },
});
if (!values.kernel || !values.module || positionals.length === 0) {
  console.error(
    'usage: kernel-vm.mjs --kernel VMLINUZ --module binfmt_misc.ko [--qemu COMMAND] -- COMMAND [ARGS...]',
  );
  process.exit(2);
}

let inode = 0;
const work = mkdtempSync(join(tmpdir(), 'kernel-vm-'));
let status = 1;
try {
  const root = join(work, 'root');
  furnish(root);
  const image = join(work, 'initramfs');
  writeFileSync(image, Buffer.concat(archive(root)));
  status = await boot(image);
} finally {
  rmSync(work, { recursive: true });
}
process.exit(status);

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

/** Programs in node_modules that Node loads. */
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

/** A cpio archive in the format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst), in parts. */
function archive(root) {
  const paths = readdirSync(root, { recursive: true }).map((path) => join(root, path));
  const parts = paths.map((path) => {
    const { mode } = lstatSync(path);
    const kind = mode & 0o170000;
    if (kind === 0o120000) return member(relative(root, path), mode, Buffer.from(readlinkSync(path)));
    const isFile = kind === 0o100000;
    return member(relative(root, path), mode, isFile ? readFileSync(path) : Buffer.alloc(0));
  });
  return [...parts, member('TRAILER!!!', 0, Buffer.alloc(0))];
}

function member(name, mode, content) {
  const fields = [++inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([padded(Buffer.from(header)), padded(content)]);
}

function padded(bytes) {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

/** The exit status of the command in it. */
function boot(image) {
  const [qemu, ...args] = values.qemu.split(' ');
  const machine = ['-m', values.memory, '-nographic', '-no-reboot', '-nic', 'none'];
  const kernel = ['-kernel', values.kernel, '-initrd', image, '-append', 'console=ttyS0 quiet panic=-1'];
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
