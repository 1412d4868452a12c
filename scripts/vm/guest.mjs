// Creates the initramfs of a virtual machine with a disk: modules, our program, and the script of its first process.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { archiveOf } from './initramfs.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const BUSYBOX = '/bin/busybox';
const UNIT = `[Unit]
Description=Cases of binfmtctl
After=basic.target systemd-binfmt.service

[Service]
Type=oneshot
ExecStart=/bin/sh /opt/guest/script
StandardInput=null
StandardOutput=file:/dev/console
StandardError=file:/dev/console
TimeoutStartSec=infinity
`;
/** Replaces multi-user.target, which waits 90 s for the console's device, which never appears without udev. */
const TARGET = `[Unit]
Description=Cases of binfmtctl
Requires=basic.target
Wants=cases.service
AllowIsolate=yes
`;
/** Units that systemd would start, but no case needs. */
const MASKED = [
  ...['ldconfig', 'systemd-journal-catalog-update', 'systemd-update-done', 'systemd-sysusers'],
  ...['systemd-random-seed', 'modprobe@configfs', 'modprobe@drm', 'modprobe@fuse'],
].map((name) => `${name}.service`);

/** Returns an archive that mounts the disk, copies our program and the script to it, and starts the disk's systemd or the script. It
 * switches the root instead of using chroot, because programs in a chroot cannot create user namespaces. */
export function guestArchive({ work, kernel, busybox, script, isSystemd }) {
  const root = join(work, 'initramfs');
  for (const name of ['bin', 'proc', 'dev', 'disk', 'modules', 'put/opt/guest', 'put/usr/local/bin'])
    mkdirSync(join(root, name), { recursive: true });
  cpSync(busybox, join(root, 'bin/busybox'));
  for (const { name, content } of kernel.modules) writeFileSync(join(root, 'modules', name), content);
  cpSync(join(ROOT, 'dist'), join(root, 'put/opt/binfmtctl/dist'), { recursive: true });
  symlinkSync('/opt/binfmtctl/dist/cli.cjs', join(root, 'put/usr/local/bin/binfmtctl'));
  cpSync(join(ROOT, 'scripts/vm/cut.cjs'), join(root, 'put/opt/guest/cut.cjs'));
  writeFileSync(join(root, 'put/opt/guest/script'), script);
  writeFileSync(join(root, 'put/opt/guest/init'), diskInit(), { mode: 0o755 });
  if (isSystemd) addUnits(join(root, 'put/etc/systemd/system'));
  const next = isSystemd ? '/lib/systemd/systemd' : '/opt/guest/init';
  writeFileSync(join(root, 'init'), firstInit(kernel.modules, next), { mode: 0o755 });
  return archiveOf(root);
}

function addUnits(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cases.service'), UNIT);
  writeFileSync(join(folder, 'cases.target'), TARGET);
  symlinkSync('cases.target', join(folder, 'default.target'));
  for (const name of MASKED) symlinkSync('/dev/null', join(folder, name));
}

function firstInit(modules, next) {
  return `#!${BUSYBOX} sh
b=${BUSYBOX}
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
${modules.map(({ name }) => `$b insmod /modules/${name}`).join('\n')}
until [ -b /dev/vda ]; do $b usleep 50000; done
$b mount -t ext4 /dev/vda /disk || $b poweroff -f
$b cp -a /put/. /disk/
$b umount /proc
$b mount --move /dev /disk/dev
exec $b switch_root /disk ${next}
`;
}

function diskInit() {
  return `#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs tmp /tmp
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
/bin/sh /opt/guest/script </dev/null
`;
}
