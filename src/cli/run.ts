import { Command, CommanderError } from 'commander';
import { BinfmtctlError } from '../errors.ts';
import { bundleCommand } from './commands/bundle.ts';
import { catalogueCommand } from './commands/catalogue.ts';
import { enterCommand } from './commands/enter.ts';
import { exportCommand } from './commands/export.ts';
import { importCommand } from './commands/import.ts';
import { installCommand } from './commands/install.ts';
import { lockCommand } from './commands/lock.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { uninstallCommand } from './commands/uninstall.ts';
import { verifyCommand } from './commands/verify.ts';
import { examples, withLockFiles } from './common.ts';
import { emulationFailure } from './emulate.ts';
import { exitStatusOf, printFailure } from './failure.ts';

const FIRST_EXAMPLES: readonly [string, string][] = [
  ['binfmtctl install arm64', 'run arm64 programs and containers on this machine'],
  ['binfmtctl install --all --persist', 'every architecture, also after a reboot'],
  ['binfmtctl status', 'who runs what'],
  ['binfmtctl uninstall --all', 'take all of it back'],
];

const COMMANDS: Readonly<Record<string, (done: (status: number) => void) => Command>> = {
  install: installCommand,
  uninstall: uninstallCommand,
  status: statusCommand,
  verify: verifyCommand,
  lock: lockCommand,
  bundle: bundleCommand,
  import: importCommand,
  export: exportCommand,
  run: runCommand,
  enter: enterCommand,
  catalogue: catalogueCommand,
  // Listed here; main.ts carries them out.
  'update-binfmts': () => listed('update-binfmts', 'update-binfmts(8)'),
  'systemd-binfmt': () => listed('systemd-binfmt', 'systemd-binfmt(8)'),
  binfmt: () => listed('binfmt', 'the image tonistiigi/binfmt'),
};

/** They end as the program does. */
const EMULATING = ['run', 'enter'];

const listed = (name: string, of: string): Command =>
  new Command(name)
    .summary(`drop-in for ${of}`)
    .description(`Options and output as ${of} has them: \`binfmtctl ${name} --help\``)
    .argument('[word...]');

/** Carries a command line out and returns the exit status; all failures are printed, none is thrown. */
export async function runCommandLine(words: readonly string[], version: string): Promise<number> {
  let status = 0;
  const done = (result: number): void => {
    status = result;
  };
  const program = new Command('binfmtctl')
    .description(
      'Run any Linux program on any Linux machine: finds or fetches the emulator, registers it with the kernel, proves that it works',
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .enablePositionalOptions()
    .addHelpText('after', examples(FIRST_EXAMPLES));
  // To define a command takes a millisecond: where one is named, it is the only one that is needed.
  const named = Object.hasOwn(COMMANDS, words[0] ?? '') ? COMMANDS[words[0] ?? ''] : undefined;
  for (const define of named ? [named] : Object.values(COMMANDS)) program.addCommand(define(done));
  quieten(program);
  try {
    await program.parseAsync(withLockFiles(words), { from: 'user' });
    return status;
  } catch (failure) {
    if (failure instanceof CommanderError && failure.exitCode === 0) return 0;
    const error = failure instanceof CommanderError ? usageError(failure, words) : failure;
    // Behind `--` are the words of a program.
    const own = words.slice(0, [...words, '--'].indexOf('--'));
    printFailure(error, { verbose: own.includes('--verbose'), json: own.includes('--json') });
    return EMULATING.includes(words[0] ?? '') ? emulationFailure(error) : exitStatusOf(error);
  }
}

/** Errors come to runCommandLine as exceptions and are printed there, in one form. */
function quieten(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {}, writeErr: () => {} });
  for (const each of command.commands) quieten(each);
}

function usageError({ code, message }: CommanderError, words: readonly string[]): BinfmtctlError {
  if (code === 'commander.help') {
    return new BinfmtctlError('USAGE', 'no command given', { hint: '`binfmtctl --help` lists the commands' });
  }
  const [command = '-'] = words;
  const known = !command.startsWith('-') && code !== 'commander.unknownCommand';
  const help = known ? `binfmtctl ${command} --help` : 'binfmtctl --help';
  return new BinfmtctlError('USAGE', message.replace(/^error: /, '').replaceAll('\n', ' '), {
    hint: `\`${help}\` shows what there is`,
  });
}
