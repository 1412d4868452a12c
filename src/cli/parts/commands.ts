import { Command } from 'commander';
import { type DefineCommand, runCommands } from '../command-line.ts';
import { bundleCommand } from '../commands/bundle.ts';
import { catalogueCommand } from '../commands/catalogue.ts';
import { exportCommand } from '../commands/export.ts';
import { importCommand } from '../commands/import.ts';
import { installCommand } from '../commands/install.ts';
import { lockCommand } from '../commands/lock.ts';
import { statusCommand } from '../commands/status-command.ts';
import { storeCommand } from '../commands/store.ts';
import { uninstallCommand } from '../commands/uninstall.ts';
import { verifyCommand } from '../commands/verify.ts';
import { examples } from '../common-options.ts';
import { ENTER, RUN } from '../emulation/commands.ts';
import { emulatedHelp } from '../emulation/help.ts';

const FIRST_EXAMPLES: readonly [string, string][] = [
  ['binfmtctl install arm64', 'run arm64 programs and containers on this machine'],
  ['binfmtctl install --all --persist', 'every architecture, also after a reboot'],
  ['binfmtctl status', 'who runs what'],
  ['binfmtctl uninstall --all', 'take all of it back'],
];

/** Every command by its name. */
export const COMMANDS: Readonly<Record<string, DefineCommand>> = {
  install: installCommand,
  uninstall: uninstallCommand,
  status: statusCommand,
  verify: verifyCommand,
  lock: lockCommand,
  bundle: bundleCommand,
  import: importCommand,
  export: exportCommand,
  // In the help of all; main.ts has these two and the last three carried out by others.
  run: () => emulatedHelp(RUN),
  enter: () => emulatedHelp(ENTER),
  store: storeCommand,
  catalogue: catalogueCommand,
  'update-binfmts': () => listed('update-binfmts', 'update-binfmts(8)'),
  'systemd-binfmt': () => listed('systemd-binfmt', 'systemd-binfmt(8)'),
  binfmt: () => listed('binfmt', 'the image tonistiigi/binfmt'),
};

const listed = (name: string, of: string): Command =>
  new Command(name)
    .summary(`drop-in for ${of}`)
    .description(`Options and output as ${of} has them: \`binfmtctl ${name} --help\``)
    .argument('[word...]');

/** Carries a command line out and returns the exit status; all failures are printed, none is thrown. */
export function runCommandLine(words: readonly string[], version: string): Promise<number> {
  return runCommands(words, { version, commands: COMMANDS, examples: examples(FIRST_EXAMPLES) });
}
