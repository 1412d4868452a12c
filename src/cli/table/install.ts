import { LOCK_FILE } from '../../lockfile/name.ts';
import type { CommandDescription } from '../grammar/types.ts';
import { ALLOW_UNVERIFIED, DRY_RUN, EMULATOR_NAMES, STRICT } from './options.ts';

export const INSTALL: CommandDescription = {
  name: 'install',
  summary: 'find or fetch emulators, register and verify them',
  description:
    'Finds or fetches emulators, registers them with the kernel, and proves by running programs that they work.',
  words: [['[ARCH...]', 'architectures, in any spelling: arm64, linux/arm/v7, riscv64, ppc64el']],
  options: [
    ['--all', 'every architecture that an emulator is found for'],
    [
      '--source SPEC',
      'path:FILE, dir:DIR, bundle:FILE, apt[:RELEASE], oci[:IMAGE] or url:URL#sha256=HEX, tried in order; default: this machine, then apt, then a pinned image',
      { repeatable: true },
    ],
    ALLOW_UNVERIFIED,
    ['--emulator NAME', `only this emulator: ${EMULATOR_NAMES}`],
    [
      '--persist[=HOW]',
      'register at each boot as well; --persist alone means auto',
      { choices: ['auto', 'binfmt.d', 'binfmt-support', 'none'], default: 'none', bare: 'auto' },
    ],
    [
      '--credentials[=WHEN]',
      "set flag C: set-user-ID programs get their owner's rights, and so does the emulator; new: only on new entries",
      { choices: ['always', 'new'], bare: 'always' },
    ],
    ['--replace', 'replace an entry of that name that binfmtctl did not create'],
    [
      '--link[=DIR]',
      'link each emulator as DIR/qemu-ARCH-static, the name that other tools look for; default: /usr/bin',
      { bare: '/usr/bin', path: 'directory' },
    ],
    ['--no-verify', 'register without a proof'],
    STRICT,
    [
      '--lock[=FILE]',
      `write the emulators and their digests to a lock file (default: ${LOCK_FILE})`,
      { bare: LOCK_FILE, path: 'new file' },
    ],
    ['--locked[=FILE]', 'install exactly the emulators of a lock file, or fail', { bare: LOCK_FILE }],
    DRY_RUN,
  ],
  examples: [
    ['binfmtctl install arm64', 'one architecture'],
    ['binfmtctl install linux/arm64,linux/riscv64', 'as Docker writes them'],
    ['binfmtctl install --all --persist', 'all of them, also after a reboot'],
    ['binfmtctl install arm64 --source apt:trixie', 'the emulator of that Debian release'],
    ['binfmtctl install arm64 --lock', `write ${LOCK_FILE}, for other machines`],
    ['binfmtctl install arm64 --locked', 'the same bytes as in that file'],
    ['binfmtctl install s390x --dry-run', 'print the steps only'],
  ],
};

export const UNINSTALL: CommandDescription = {
  name: 'uninstall',
  summary: 'remove entries and files that install created',
  description:
    'Removes entries that binfmtctl created, and their boot files. Another entry is removed only if its exact name is given.',
  words: [['[NAME...]', 'architectures, names of entries, or globs of names such as `qemu-*`']],
  options: [
    ['--all', 'everything that binfmtctl created'],
    ['--purge', 'also remove emulators from the store that nothing needs any more'],
    DRY_RUN,
  ],
  examples: [
    ['binfmtctl uninstall arm64', 'one architecture'],
    ['binfmtctl uninstall --all --purge', 'everything, including emulators'],
  ],
};
