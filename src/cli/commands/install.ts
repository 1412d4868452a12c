import { resolve } from 'node:path';
import type { Persistence } from '../../install/boot/choose-persistence.ts';
import { toJson } from '../../text/json.ts';
import { maskSecrets } from '../../text/secrets.ts';
import { commandLine } from '../../text/shell.ts';
import type { OwnCommand } from '../command-line.ts';
import type { CommonOptions } from '../common-options.ts';
import { secondsSinceStart } from '../output/progress.ts';
import { print } from '../output/terminal.ts';
import { withSameOptions } from '../store-options.ts';
import { INSTALL } from '../table/install.ts';

interface InstallCommandOptions extends CommonOptions {
  readonly all?: boolean;
  readonly source: readonly string[];
  readonly allowUnverified?: boolean;
  readonly emulator?: string;
  readonly persist: Persistence;
  readonly credentials?: 'always' | 'new';
  readonly replace?: boolean;
  readonly link?: string;
  readonly verify: boolean;
  readonly strict?: boolean;
  readonly lock?: string;
  readonly locked?: string;
  readonly dryRun?: boolean;
}

export const installCommand: OwnCommand = { description: INSTALL, run };

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
    link: options.link && resolve(options.link),
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
