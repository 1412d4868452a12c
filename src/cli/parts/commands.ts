import { type CommandLine, type OwnCommand, runCommands } from '../command-line.ts';
import { bundleCommand } from '../commands/bundle.ts';
import { catalogueCommand } from '../commands/catalogue.ts';
import { exportCommand } from '../commands/export.ts';
import { importCommand } from '../commands/import.ts';
import { installCommand } from '../commands/install.ts';
import { lockCommand } from '../commands/lock.ts';
import { statusCommand } from '../commands/status.ts';
import { storeCommand } from '../commands/store.ts';
import { uninstallCommand } from '../commands/uninstall.ts';
import { verifyCommand } from '../commands/verify-command.ts';
import { examples } from '../common-options.ts';
import { ENTER, RUN } from '../emulation/commands.ts';

const FIRST_EXAMPLES: readonly [string, string][] = [
  ['binfmtctl install arm64', 'run arm64 programs and containers on this machine'],
  ['binfmtctl install --all --persist', 'every architecture, also after a reboot'],
  ['binfmtctl status', 'who runs what'],
  ['binfmtctl uninstall --all', 'take all of it back'],
];

/** A command that main.ts runs, in the help of all. */
const runByMain = (): Promise<number> => Promise.reject(new Error('main.ts runs this command'));

const listed = (name: string, of: string): OwnCommand => ({
  description: {
    name,
    summary: `drop-in for ${of}`,
    description: `Options and output as ${of} has them: \`binfmtctl ${name} --help\``,
    words: [['[word...]', '']],
    options: [],
    examples: [],
  },
  run: runByMain,
});

/** Every command by its name. */
export const COMMANDS: CommandLine['commands'] = {
  install: installCommand,
  uninstall: uninstallCommand,
  status: statusCommand,
  verify: verifyCommand,
  lock: lockCommand,
  bundle: bundleCommand,
  import: importCommand,
  export: exportCommand,
  run: { description: RUN, run: runByMain },
  enter: { description: ENTER, run: runByMain },
  store: storeCommand,
  catalogue: catalogueCommand,
  'update-binfmts': listed('update-binfmts', 'update-binfmts(8)'),
  'systemd-binfmt': listed('systemd-binfmt', 'systemd-binfmt(8)'),
  binfmt: listed('binfmt', 'the image tonistiigi/binfmt'),
};

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export function runCommandLine(words: readonly string[], version: string): Promise<number> {
  return runCommands(words, { version, commands: COMMANDS, examples: examples(FIRST_EXAMPLES) });
}
