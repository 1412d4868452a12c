/** The command lines of `run` and `enter`, without what carries them out. */
import { ALLOW_UNVERIFIED, COMMON_OPTIONS } from '../common-options.ts';
import type { CommandDescription, OptionSpec } from '../options.ts';

/** Options by which emulators are found. */
const EMULATION_OPTIONS: readonly OptionSpec[] = [
  [
    '--arch <arch>',
    'programs of this architecture are run, too (repeatable, or a list)',
    { repeatable: true },
  ],
  ['--all', 'programs of every architecture that an emulator is found for'],
  ['--source <spec>', 'where emulators come from (repeatable); see `install --help`', { repeatable: true }],
  ['--emulator <name>', 'qemu, box64, box32, box86, fex, rosetta'],
  ['--cpu <model>', 'the CPU that QEMU emulates, such as max; `qemu-ARCH -cpu help` lists the models'],
  ALLOW_UNVERIFIED,
  ['--dry-run', 'say who would run it, and run nothing'],
  ['--emulation-fd <number>', 'a descriptor that is told who runs it, as one JSON document'],
];

export const RUN: CommandDescription = {
  name: 'run',
  summary: 'run a foreign program, without root, leaving nothing behind',
  description:
    'Runs a program of another architecture, and what that starts, as if it had been started directly. Where no entry of the machine serves, it and its children have a private binfmt_misc (Linux 6.7 and later), which ends with them. Ends with the status of the program, 128+N for a signal, 125 for a failure of its own, 126 for what is not executable, 127 for what is not there',
  words: [
    ['<program>', 'a path, or a name on PATH'],
    ['[args...]', 'what the program is given'],
  ],
  options: [
    ['--sysroot <dir>', 'a tree with the loader and libraries of a dynamic program'],
    ...EMULATION_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    ['binfmtctl run -- ./hello-riscv64', 'one program'],
    ['binfmtctl run --sysroot /srv/arm64 -- ./hello', 'a dynamic one, with libraries of that tree'],
    ['binfmtctl run --arch arm64,riscv64 -- make check', 'programs of these, whatever starts them'],
    ['binfmtctl run --dry-run -- ./hello', 'who would run it'],
  ],
  inOrder: true,
};

export const ENTER: CommandDescription = {
  name: 'enter',
  summary: 'enter a foreign root file system, with or without root',
  description:
    'Runs a program, or a shell, inside a root file system of any architecture, with what programs there expect to be mounted. Without root it needs Linux 6.7 or later, and ids in /etc/subuid for apt and the like. All mounts and processes end with it. Ends with the status of the program, 128+N for a signal, 125 for a failure of its own, 126 for what is not executable, 127 for what is not there',
  words: [
    ['<rootfs>', 'a directory, a tar archive, an OCI layout, an image archive or, as root, a raw disk image'],
    ['[program...]', 'behind `--`; without: the shell of the user'],
  ],
  options: [
    [
      '--bind <spec>',
      'SRC[:DST][:ro]: a file or folder of this machine is seen inside (repeatable)',
      { repeatable: true },
    ],
    [
      '--env <variable>',
      'NAME=VALUE, or NAME for its value here (repeatable); all else is clean',
      { repeatable: true },
    ],
    ['--env-fd <number>', 'a descriptor with more of them, as a JSON array of NAME=VALUE'],
    ['--user <user>', 'NAME or UID of the root, also with :GROUP'],
    ['--workdir <dir>', 'the folder to begin in'],
    ['--hostname <name>', 'a host name for inside'],
    ['--partition <number>', 'the partition of a disk image to enter; default: its root'],
    ['--read-only', 'nothing can be changed but in /tmp, /run and /dev/shm'],
    ['--ephemeral', 'all changes are thrown away'],
    ['--net <network>', 'the network inside: host or none', { default: 'host' }],
    ...EMULATION_OPTIONS,
    ...COMMON_OPTIONS,
  ],
  examples: [
    ['binfmtctl enter /srv/debian-arm64', 'a shell in it'],
    ['binfmtctl enter ./root -- apt-get install -y hello', 'a command, as a plain user'],
    ['binfmtctl enter --ephemeral rootfs.tar.xz -- make check', 'an archive; nothing is kept'],
    ['binfmtctl enter --bind .:/src --workdir /src ./root -- make', 'with a folder of this machine'],
  ],
};
