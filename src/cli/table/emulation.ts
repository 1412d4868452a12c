import type { CommandDescription, OptionSpec } from '../grammar/types.ts';
import { ALLOW_UNVERIFIED, EMULATOR_NAMES } from './options.ts';

/** Options by which emulators are found. */
const EMULATION_OPTIONS: readonly OptionSpec[] = [
  ['--arch ARCH', 'also run programs of this architecture; takes lists', { repeatable: true }],
  ['--all', 'run programs of every architecture that an emulator is found for'],
  ['--source SPEC', 'the source of emulators; see `binfmtctl help install`', { repeatable: true }],
  ['--emulator NAME', EMULATOR_NAMES],
  ['--cpu MODEL', 'the CPU that QEMU emulates, such as max; `qemu-ARCH -cpu help` lists the models'],
  ALLOW_UNVERIFIED,
  ['--dry-run', 'print what would run the program, and run nothing; --json prints it as JSON'],
  ['--emulation-fd NUMBER', 'a file descriptor that receives what runs the program, as one JSON document'],
];

const STATUS_NOTE =
  "The exit status is the program's, 128+N for a signal, 125 for a failure of binfmtctl, 126 for a program that cannot be executed, 127 for one that is not found.";

export const RUN: CommandDescription = {
  name: 'run',
  summary: 'run a foreign program, without root and without traces',
  description: `Runs a program of another architecture, and the programs that it starts. If no entry of the machine serves them, they get a private binfmt_misc instance (Linux 6.7 and later), which ends with them. ${STATUS_NOTE}`,
  words: [
    ['PROGRAM', 'a path, or a name on PATH'],
    ['[ARG...]', "the program's arguments"],
  ],
  options: [
    [
      '--sysroot DIR',
      'a directory with the loader and libraries of a dynamic program',
      { path: 'directory' },
    ],
    ...EMULATION_OPTIONS,
  ],
  examples: [
    ['binfmtctl run -- ./hello-riscv64', 'one program'],
    [
      'binfmtctl run --sysroot /srv/arm64 -- ./hello',
      'a dynamic program with the libraries of that directory',
    ],
    ['binfmtctl run --arch arm64,riscv64 -- make check', 'a native program that starts foreign ones'],
    ['binfmtctl run --dry-run -- ./hello', 'print what would run it'],
  ],
  inOrder: true,
};

export const ENTER: CommandDescription = {
  name: 'enter',
  summary: 'enter a foreign root file system, with or without root',
  description: `Runs a program or a shell inside a root file system of any architecture, with /proc, /dev, /sys and the like mounted. Without root, it requires Linux 6.7 or later, and IDs in /etc/subuid for package managers. All mounts and processes end with it. ${STATUS_NOTE}`,
  words: [
    ['ROOTFS', 'a directory, tar archive, OCI layout or image archive; as root also a raw disk image'],
    ['[PROGRAM...]', "after `--`: a program with its arguments; default: the user's shell"],
  ],
  options: [
    ['--bind SRC[:DST][:ro]', 'show a file or directory of this machine inside', { repeatable: true }],
    ['--env NAME[=VALUE]', 'set a variable; NAME alone passes it on', { repeatable: true }],
    ['--env-fd NUMBER', 'a file descriptor with a JSON array of NAME=VALUE'],
    ['--user USER[:GROUP]', 'run as this user of the root, a name or an ID'],
    ['--workdir DIR', 'the working directory inside'],
    ['--hostname NAME', 'the host name inside'],
    ['--partition NUMBER', 'the partition of a disk image to enter; default: the root partition'],
    ['--read-only', 'allow changes only in /tmp, /run and /dev/shm'],
    ['--ephemeral', 'discard all changes at the end'],
    ['--net NETWORK', 'the network inside', { choices: ['host', 'none'], default: 'host' }],
    ...EMULATION_OPTIONS,
  ],
  examples: [
    ['binfmtctl enter /srv/debian-arm64', 'a shell'],
    ['binfmtctl enter ./root -- apt-get install -y hello', 'a command, without root'],
    ['binfmtctl enter --ephemeral rootfs.tar.xz -- make check', 'an archive; changes are discarded'],
    ['binfmtctl enter --bind .:/src --workdir /src ./root -- make', 'with a directory of this machine'],
  ],
};
