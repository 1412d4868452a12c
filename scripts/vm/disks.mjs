// The disks of virtual machines: Debian with Node, emulators, and small roots of other architectures under /srv.
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeDisk, openRelease, unpackNewest } from './debian.mjs';

const COMMON =
  'systemd systemd-sysv kmod procps uidmap base-files base-passwd bash ca-certificates coreutils dash findutils grep libc-bin mount nodejs qemu-user sed util-linux'.split(
    ' ',
  );
const OWN = {
  amd64: ['proot'],
  arm64: ['box64'],
};
/** Of qemu-user's forty emulators. */
const EMULATORS = /^qemu-(aarch64|arm|i386|riscv64|x86_64)$/;
const STATIC = ['amd64', 'i386', 'arm64', 'armhf', 'riscv64'];
/** Box64 runs dynamic programs only; its 32-bit part does not know the variables of getopt(3), which hello needs. */
const DYNAMIC = { amd64: ['libc6', 'hello'], i386: ['libc6', 'mawk'] };
const APPLETS = ['sh', 'uname', 'cat', 'echo', 'ls', 'true', 'id', 'mount', 'env'];

/** The disk image of a Debian release for an architecture, not to be changed. */
export function debianDisk(suite, arch) {
  const recipe = readFileSync(fileURLToPath(import.meta.url), 'utf8');
  return makeDisk({ suite, arch, packages: [...COMMON, ...OWN[arch]], recipe }, (root) =>
    finish(root, suite, arch),
  );
}

/** A static busybox for an architecture. */
export function busyboxFor(suite, arch) {
  return join(unpackNewest(openRelease(suite, arch), ['busybox-static']), 'usr/bin/busybox');
}

function finish(root, suite, arch) {
  for (const name of readdirSync(join(root, 'usr/bin')).filter((name) => name.startsWith('qemu-')))
    if (!EMULATORS.test(name)) rmSync(join(root, 'usr/bin', name));
  appendFileSync(join(root, 'etc/passwd'), 'tester:x:1000:1000::/home/tester:/bin/sh\n');
  appendFileSync(join(root, 'etc/group'), 'tester:x:1000:\n');
  for (const name of ['subuid', 'subgid']) writeFileSync(join(root, 'etc', name), 'tester:100000:65536\n');
  for (const name of ['hostname', 'machine-id', 'fstab']) rmSync(join(root, 'etc', name), { force: true });
  writeFileSync(join(root, 'etc/hostname'), 'guest\n');
  writeFileSync(join(root, 'etc/machine-id'), `${'0123456789abcdef'.repeat(2)}\n`);
  for (const name of ['proc', 'sys', 'dev', 'run', 'tmp', 'srv', 'home/tester'])
    mkdirSync(join(root, name), { recursive: true });
  for (const foreign of STATIC.filter((each) => each !== arch)) addStatic(root, suite, foreign);
  if (arch === 'arm64') for (const foreign of Object.keys(DYNAMIC)) addDynamic(root, suite, foreign);
}

function addStatic(root, suite, foreign) {
  const folder = join(root, 'srv', foreign);
  for (const name of ['bin', 'proc', 'sys', 'dev', 'run', 'tmp', 'etc'])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(busyboxFor(suite, foreign), join(folder, 'bin/busybox'));
  writeFileSync(join(folder, 'etc/resolv.conf'), '');
  for (const name of APPLETS) symlinkSync('busybox', join(folder, 'bin', name));
}

function addDynamic(root, suite, foreign) {
  const unpacked = unpackNewest(openRelease(suite, foreign), DYNAMIC[foreign]);
  cpSync(unpacked, join(root, 'srv', `${foreign}-dynamic`), { recursive: true, verbatimSymlinks: true });
}
