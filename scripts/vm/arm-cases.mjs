// Cases for binfmtctl on an arm64 machine, with QEMU, Box64 and box32.
import { expectCase } from './cases.mjs';

const HELLO = '/srv/amd64-dynamic/usr/bin/hello';
const MAWK_32 = '/srv/i386-dynamic/usr/bin/mawk';

/** Three machines: two with AArch32, of which one runs systemd and reboots, and one without AArch32. */
export function armMachines() {
  return [
    { boots: [{ title: 'without systemd', cases: [...refused(), ...qemuCases(), ...boxCases()] }] },
    {
      boots: [
        { title: 'systemd', isSystemd: true, cases: persistCases() },
        { title: 'systemd, after the reboot', isSystemd: true, cases: rebootedCases() },
      ],
    },
    {
      boots: [{ title: 'without AArch32', cases: withoutAarch32Cases() }],
      qemu: ['-cpu', 'a64fx,sve=off'],
    },
  ];
}

function withoutAarch32Cases() {
  return [
    expectCase('own architecture', 'binfmtctl install arm64', {
      status: 1,
      says: /aarch64 runs natively/,
    }),
    expectCase('install armhf', 'binfmtctl install armhf', { says: /proved/ }),
    expectCase('an armhf program', '/srv/armhf/bin/echo emulated', { says: /^emulated$/m }),
    expectCase('uninstall', 'binfmtctl uninstall armhf'),
  ];
}

function refused() {
  return [
    expectCase('own architecture', 'binfmtctl install arm64', { status: 1, says: /aarch64 runs natively/ }),
    expectCase('armhf with AArch32', 'binfmtctl install armhf', { status: 1, says: /arm runs natively/ }),
    expectCase('a native armhf program', '/srv/armhf/bin/echo native', { says: /^native$/m }),
  ];
}

function qemuCases() {
  return [
    expectCase('install amd64 (QEMU)', 'binfmtctl install amd64 --emulator qemu', { says: /proved/ }),
    expectCase('verify (QEMU)', 'binfmtctl verify'),
    expectCase('an amd64 program (QEMU)', '/srv/amd64/bin/uname -m', { says: /^x86_64$/m }),
    expectCase('run', 'binfmtctl run -- /srv/i386/bin/echo ran', { says: /^ran$/m }),
    expectCase('enter', 'binfmtctl enter /srv/amd64 -- /bin/sh -c "uname -m"', { says: /^x86_64$/m }),
    expectCase('enter a riscv64 root', 'binfmtctl enter /srv/riscv64 -- /bin/sh -c "uname -m"', {
      says: /^riscv64$/m,
    }),
  ];
}

function boxCases() {
  return [
    expectCase('install amd64 (Box64) beside QEMU', 'binfmtctl install amd64 --emulator box64', {
      says: /proved/,
    }),
    expectCase('install i386 (box32)', 'binfmtctl install i386 --emulator box32', { says: /proved/ }),
    expectCase('an amd64 program (Box64)', HELLO, { says: /Hello, world!/ }),
    expectCase('an i386 program (box32)', `${MAWK_32} 'BEGIN { print 6 * 7 }'`, { says: /^42$/m }),
    expectCase('status', 'binfmtctl status', { says: [/qemu-x86_64/, /box64/] }),
    expectCase('verify (Box64)', 'binfmtctl verify'),
    expectCase('uninstall', 'binfmtctl uninstall --all'),
    expectCase('uninstalled', 'ls /proc/sys/fs/binfmt_misc', { not: /qemu|box/ }),
  ];
}

function persistCases() {
  return [
    expectCase('install amd64 --persist (QEMU)', 'binfmtctl install amd64 --emulator qemu --persist', {
      says: /proved/,
    }),
    expectCase('install amd64 --persist (Box64)', 'binfmtctl install amd64 --emulator box64 --persist', {
      says: /proved/,
    }),
  ];
}

function rebootedCases() {
  return [
    expectCase('status', 'binfmtctl status', { says: [/qemu-x86_64/, /box64/] }),
    expectCase('an amd64 program', HELLO, { says: /Hello, world!/ }),
    expectCase('verify', 'binfmtctl verify'),
    expectCase('uninstall --all --purge', 'binfmtctl uninstall --all --purge'),
    expectCase('nothing left', 'ls /etc/binfmt.d /proc/sys/fs/binfmt_misc', { not: /qemu-/ }),
  ];
}
