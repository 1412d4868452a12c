/** Commands for lock files, bundles, the store and the catalogue. */
import { LOCK_FILE } from '../../lockfile/name.ts';
import type { CommandDescription, GroupDescription } from '../grammar/types.ts';
import { ALLOW_UNVERIFIED, DRY_RUN, EMULATOR_NAMES, STRICT } from './options.ts';

export const LOCK: CommandDescription = {
  name: 'lock',
  summary: 'show or update the lock file',
  description:
    'Shows the emulators of a lock file. With --update, locks what their sources have now; nothing is registered.',
  words: [['[ARCH...]', 'with --update: only these architectures, which are added if the file lacks them']],
  options: [
    ['--update', "update the part for this machine's architecture"],
    ['--lock-file FILE', 'the lock file', { default: LOCK_FILE, path: 'new file' }],
    ['--source SPEC', 'with --update: this source instead of the one in the file', { repeatable: true }],
    ALLOW_UNVERIFIED,
    STRICT,
  ],
  examples: [
    ['binfmtctl lock', `show ${LOCK_FILE}`],
    ['binfmtctl lock --update', 'lock everything again, from the same sources'],
    ['binfmtctl lock --update arm64', 'update or add one architecture'],
  ],
};

export const BUNDLE: CommandDescription = {
  name: 'bundle',
  summary: 'write emulators to one file, for machines without network',
  description:
    'Writes emulators and a manifest to one tar file for `install --source bundle:FILE`. The same emulators give the same bytes.',
  words: [['[ARCH...]', 'architectures, in any spelling']],
  options: [
    [
      '-o, --output FILE',
      'the file to write: FILE.tar, or a pipe such as /dev/stdout',
      { required: true, path: 'new file' },
    ],
    ['--force', 'replace FILE even if it is not a bundle'],
    ['--all', 'every architecture that an emulator is found for'],
    ['--host ARCH', 'for machines of another architecture; needs --source or --locked'],
    ['--source SPEC', 'the source of the emulators, as for install', { repeatable: true }],
    ALLOW_UNVERIFIED,
    ['--emulator NAME', `only this emulator: ${EMULATOR_NAMES}`],
    [
      '--locked[=FILE]',
      `exactly the emulators of a lock file, or fail (default: ${LOCK_FILE})`,
      { bare: LOCK_FILE },
    ],
    STRICT,
  ],
  examples: [
    ['binfmtctl bundle -o emulators.tar arm64 riscv64', 'two, for machines like this one'],
    ['binfmtctl bundle -o emulators.tar --all --locked', `everything in ${LOCK_FILE}`],
    ['binfmtctl bundle -o arm.tar amd64 --host arm64 --source dir:./arm', 'for arm64 machines'],
  ],
};

export const STORE: GroupDescription = {
  name: 'store',
  summary: 'list or remove fetched emulators and unpacked roots',
  description:
    'Manages the store: emulators that install, run and enter fetched, and root file systems that enter unpacked.',
  commands: [
    {
      name: 'store list',
      summary: 'list emulators and trees, with their sizes and users',
      description: 'Lists every emulator and unpacked tree with its size and what uses it.',
      words: [],
      options: [],
      examples: [
        ['binfmtctl store list', 'emulators and trees, the largest first'],
        ['binfmtctl store list --json', 'the same with full paths'],
      ],
    },
    {
      name: 'store prune',
      summary: 'remove emulators and trees that nothing uses',
      description:
        'Removes emulators that no entry, boot file or process uses, and trees that no session uses, with all changes made in them.',
      words: [],
      options: [DRY_RUN],
      examples: [
        ['binfmtctl store prune --dry-run', 'show what would be removed'],
        ['binfmtctl store prune', 'remove what nothing uses'],
      ],
    },
  ],
};

export const CATALOGUE: GroupDescription = {
  name: 'catalogue',
  summary: 'show known architectures, formats and emulators',
  description:
    'Shows and checks the profiles of architectures, formats and emulators: built-in ones and yours.',
  commands: [
    {
      name: 'catalogue list',
      summary: 'list all profiles',
      description: 'Lists every profile, one per line.',
      words: [],
      options: [],
      examples: [
        ['binfmtctl catalogue list', 'the built-in profiles'],
        ['binfmtctl catalogue list --catalogue ./profiles', 'with your own profiles'],
      ],
    },
    {
      name: 'catalogue show',
      summary: 'show one profile',
      description: 'Shows one profile as YAML.',
      words: [['NAME', 'an id, or any spelling of an architecture']],
      options: [],
      examples: [
        ['binfmtctl catalogue show arm64', 'magic, mask and their reasons, all aliases'],
        ['binfmtctl catalogue show qemu', 'where distributions install it, known bad versions'],
      ],
    },
    {
      name: 'catalogue lint',
      summary: 'check profiles',
      description: 'Checks profiles and reports every problem with its file and line.',
      words: [['[DIR...]', 'directories of profiles; default: the built-in ones', 'directory']],
      options: [],
      examples: [
        ['binfmtctl catalogue lint', 'the built-in profiles'],
        ['binfmtctl catalogue lint ./profiles', 'your own profiles'],
      ],
    },
  ],
};
