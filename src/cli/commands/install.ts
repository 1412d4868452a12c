import type { Persistence } from '../../install/boot/choose-persistence.ts';
import { LOCK_FILE } from '../../lockfile/name.ts';
import { toJson } from '../../text/json.ts';
import { maskSecrets } from '../../text/secrets.ts';
import { commandLine } from '../../text/shell.ts';
import type { OwnCommand } from '../command-line.ts';
import { ALLOW_UNVERIFIED, COMMON_OPTIONS, type CommonOptions } from '../common-options.ts';
import { secondsSinceStart } from '../output/progress.ts';
import { print } from '../output/terminal.ts';
import { withSameOptions } from '../store-options.ts';

interface InstallCommandOptions extends CommonOptions {
  readonly all?: boolean;
  readonly source: readonly string[];
  readonly allowUnverified?: boolean;
  readonly emulator?: string;
  readonly persist: Persistence;
  readonly credentials?: 'always' | 'new';
  readonly replace?: boolean;
  readonly verify: boolean;
  readonly strict?: boolean;
  readonly lock?: string;
  readonly locked?: string;
  readonly dryRun?: boolean;
}

export const installCommand: OwnCommand = {
  description: {
    name: 'install',
    summary: 'emulator → rule → kernel → proof',
    description:
      'Finds or fetches emulators, registers them with the kernel and proves by running programs that they work',
    words: [['[arch...]', 'architectures, in any spelling: arm64, linux/arm/v7, riscv64, ppc64el …']],
    options: [
      ['--all', 'every architecture that an emulator is found for'],
      [
        '--source <spec>',
        'path:FILE, dir:DIR, bundle:FILE, apt[:RELEASE], oci[:IMAGE] or url:URL#sha256=HEX, tried in order (repeatable; default: this machine, then apt, then the pinned image)',
        { repeatable: true },
      ],
      ALLOW_UNVERIFIED,
      ['--emulator <name>', 'only this emulator: qemu, box64, box32, box86, fex, rosetta'],
      [
        '--persist [how]',
        'also after a reboot: auto, binfmt.d, binfmt-support or none',
        { choices: ['auto', 'binfmt.d', 'binfmt-support', 'none'], default: 'none', bare: 'auto' },
      ],
      [
        '--credentials [=when]',
        "flag C: set-user-id programs get their owner's rights; the emulator then runs with them too. new: only for new entries",
        { choices: ['always', 'new'], bare: 'always' },
      ],
      ['--replace', 'take over an entry of that name that binfmtctl did not make'],
      ['--no-verify', 'register without proof'],
      ['--strict', 'refuse emulators of a version that is known to be bad'],
      [
        '--lock [=file]',
        'write which emulators these are into a lock file (default: binfmtctl.lock)',
        { bare: LOCK_FILE },
      ],
      ['--locked [=file]', 'take exactly the emulators of that lock file, or refuse', { bare: LOCK_FILE }],
      ['--dry-run', 'print the steps and change nothing'],
      ...COMMON_OPTIONS,
    ],
    examples: [
      ['binfmtctl install arm64', 'one architecture'],
      ['binfmtctl install linux/arm64,linux/riscv64', 'as Docker writes them'],
      ['binfmtctl install --all --persist', 'all of them, also after a reboot'],
      ['binfmtctl install arm64 --source apt:trixie', 'the emulator of that Debian release'],
      ['binfmtctl install arm64 --lock', 'write binfmtctl.lock, for other machines'],
      ['binfmtctl install arm64 --locked', 'the same bytes as there, or nothing'],
      ['binfmtctl install s390x --dry-run', 'what would be done'],
    ],
  },
  run,
};

async function run(options: InstallCommandOptions, arches: readonly string[]): Promise<number> {
  const { installArches, installText } = await import('../parts/operations.ts');
  const request = {
    arches,
    all: options.all === true,
    sources: options.source,
    allowUnverified: options.allowUnverified === true,
    emulator: options.emulator,
    persist: options.persist,
    credentials: options.credentials === 'new' ? 'new' : options.credentials !== undefined,
    replace: options.replace === true,
    verify: options.verify,
    strict: options.strict === true,
    lock: options.lock,
    locked: options.locked,
    dryRun: options.dryRun === true,
  } as const;
  const result = await installArches(request, options);
  if (options.json) process.stdout.write(`${toJson(result)}\n`);
  else {
    const { verbose = false, quiet = false } = options;
    const [shown, seconds] = [process.stdout, secondsSinceStart()];
    const command = persistCommand(options, arches);
    print(installText(result, { shown, verbose, quiet, seconds, persistCommand: command }));
  }
  return 0;
}

/** The command that makes it last. As all commands that need root, it is shown with sudo. */
function persistCommand(
  { all, source, emulator, credentials }: InstallCommandOptions,
  arches: readonly string[],
): string {
  const words = [
    ...(all === true ? ['--all'] : arches),
    ...source.flatMap((each) => ['--source', maskSecrets(each)]),
    ...(emulator === undefined ? [] : ['--emulator', emulator]),
    ...(credentials === undefined ? [] : [`--credentials=${credentials}`]),
    '--persist',
  ];
  // npx alone finds a program that it fetched.
  const program = process.env['npm_command'] === 'exec' ? 'sudo npx binfmtctl' : 'sudo binfmtctl';
  return withSameOptions(`\`${program} install ${commandLine(words)}\``).replaceAll('`', '');
}
