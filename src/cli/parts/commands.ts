import { type Runner, runCommands } from '../command-line.ts';
import { bundleCommand } from '../commands/bundle.ts';
import { catalogueCommands } from '../commands/catalogue.ts';
import { exportCommand } from '../commands/export.ts';
import { importCommand } from '../commands/import.ts';
import { installCommand } from '../commands/install.ts';
import { lockCommand } from '../commands/lock.ts';
import { storeCommands } from '../commands/store.ts';
import { uninstallCommand } from '../commands/uninstall.ts';

/** Commands by name, without those that main.ts runs. */
const RUNNERS: Readonly<Record<string, Runner>> = {
  install: installCommand.run,
  uninstall: uninstallCommand.run,
  lock: lockCommand.run,
  bundle: bundleCommand.run,
  import: importCommand.run,
  export: exportCommand.run,
  ...storeCommands,
  ...catalogueCommands,
};

/** Runs a command line and returns its exit status. Prints failures instead of throwing. */
export function runCommandLine(words: readonly string[], version: string): Promise<number> {
  return runCommands(words, { version, runners: RUNNERS });
}
