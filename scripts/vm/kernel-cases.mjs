// Cases for binfmtctl on any kernel, on a Debian amd64 machine.
import { expectCase } from './cases.mjs';

const AS_USER = 'cd /home/tester && setpriv --reuid 1000 --regid 1000 --init-groups env HOME=/home/tester';
const ENTRY = '/proc/sys/fs/binfmt_misc/qemu-aarch64';
const BOOT_FILE = '/etc/binfmt.d/qemu-aarch64.conf';
const JOURNAL = '/var/lib/binfmtctl/journal.json';

/** Two machines with a kernel of that version: one without systemd, and one with systemd that restarts after each of three power
 * cuts. */
export function kernelMachines(version) {
  return [{ boots: [{ title: 'without systemd', cases: plainCases(version) }] }, { boots: powerCuts() }];
}

function powerCuts() {
  return [
    {
      title: 'systemd, power cut with the journal written',
      isSystemd: true,
      cases: persisted(),
      last: cutAt(JOURNAL),
    },
    {
      title: 'systemd, power cut with the entry registered',
      isSystemd: true,
      cases: repaired(),
      last: cutAt(ENTRY),
    },
    {
      title: 'systemd, power cut with the boot file written',
      isSystemd: true,
      cases: repaired(),
      last: cutAt(BOOT_FILE),
    },
    { title: 'systemd, after the last power cut', isSystemd: true, cases: uninstalled() },
  ];
}

const cutAt = (file) => `node /opt/guest/cut.cjs ${file} install arm64 --persist`;

function plainCases(version) {
  const hasInstances = isAtLeast(version, 6, 7);
  return [
    expectCase('status of an empty instance', 'binfmtctl status', { says: /no entries/ }),
    expectCase('install', 'binfmtctl install arm64', { says: /proved/ }),
    expectCase('status', 'binfmtctl status', { says: /aarch64 .*proved/ }),
    expectCase('verify', 'binfmtctl verify'),
    expectCase('a foreign program', '/srv/arm64/bin/uname -m', { says: /^aarch64$/m }),
    expectCase('a chroot', 'chroot /srv/arm64 /bin/uname -m', { says: /^aarch64$/m }),
    expectCase('argv[0]', "bash -c 'exec -a cat /srv/arm64/bin/busybox /etc/machine-id'", {
      says: /^0123456789abcdef/m,
    }),
    expectCase('run by the entry', 'binfmtctl run -- /srv/arm64/bin/uname -m', { says: /^aarch64$/m }),
    expectCase('run without an entry', `${AS_USER} binfmtctl run -- /srv/riscv64/bin/uname -m`, {
      says: /^riscv64$/m,
    }),
    expectCase('enter as root', 'binfmtctl enter /srv/arm64 -- /bin/sh -c "uname -m"', {
      says: /^aarch64$/m,
    }),
    ...enterAsUser(hasInstances),
    expectCase('install of native i386', 'binfmtctl install i386', { status: 1, says: /i386 runs natively/ }),
    expectCase('a native i386 program', '/srv/i386/bin/echo native', { says: /^native$/m }),
    expectCase('uninstall', 'binfmtctl uninstall arm64'),
    expectCase('uninstalled', `test ! -e ${ENTRY} && ! /srv/arm64/bin/true`, { says: /Exec format error/ }),
  ];
}

/** Before Linux 6.7, enter uses proot if it is installed. */
function enterAsUser(hasInstances) {
  const enter = `${AS_USER} binfmtctl enter /srv/riscv64 -- /bin/sh -c "uname -m"`;
  const says = /^riscv64$/m;
  if (hasInstances) return [expectCase('enter without root', enter, { says })];
  return [
    expectCase('enter without root, by proot', enter, { says: [says, /using proot/] }),
    expectCase('enter without root and proot', `mv /usr/bin/proot /usr/bin/hidden\n${enter}`, {
      status: 125,
      says: [/binfmtctl install riscv64/, /install proot/],
    }),
    expectCase('proot is back', 'mv /usr/bin/hidden /usr/bin/proot'),
  ];
}

function persisted() {
  return [
    expectCase('install --persist', 'binfmtctl install riscv64 --persist', { says: /proved/ }),
    expectCase('boot file', 'cat /etc/binfmt.d/qemu-riscv64.conf', { says: /^:qemu-riscv64:M:/m }),
  ];
}

function repaired() {
  return [
    expectCase('persisted entry after the power cut', '/srv/riscv64/bin/uname -m', { says: /^riscv64$/m }),
    expectCase('status after the power cut', 'binfmtctl status', { says: /riscv64 .*qemu-riscv64/ }),
    expectCase('install repairs', 'binfmtctl install arm64 --persist', { says: /proved|works/ }),
    expectCase('no journal left', `test ! -e ${JOURNAL}`),
    expectCase('repaired', '/srv/arm64/bin/uname -m', { says: /^aarch64$/m }),
    expectCase('uninstall', 'binfmtctl uninstall arm64'),
    expectCase('uninstalled', `test ! -e ${ENTRY} && test ! -e ${BOOT_FILE}`),
  ];
}

function uninstalled() {
  return [
    expectCase('persisted entry after the power cut', '/srv/riscv64/bin/uname -m', { says: /^riscv64$/m }),
    expectCase('uninstall --all --purge repairs', 'binfmtctl uninstall --all --purge'),
    expectCase('nothing left', `ls /etc/binfmt.d /var/lib/binfmtctl; ls /proc/sys/fs/binfmt_misc`, {
      not: /aarch64|riscv64|journal/,
      says: /register/,
      status: undefined,
    }),
  ];
}

function isAtLeast(version, major, minor) {
  const [a, b] = version.split('.').map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}
