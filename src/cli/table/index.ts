/** All commands: data that drives parsing and help. */
import type { ProgramDescription } from '../grammar/help.ts';
import type { CommandDescription } from '../grammar/types.ts';
import { ENTER, RUN } from './emulation.ts';
import { INSTALL, UNINSTALL } from './install.ts';
import { STATUS } from './status.ts';
import { BUNDLE, CATALOGUE, LOCK, STORE } from './supply.ts';
import { EXPORT, IMPORT } from './transfer.ts';
import { VERIFY } from './verify.ts';

const dropIn = (name: string, original: string): CommandDescription => ({
  name,
  summary: `drop-in for ${original}`,
  description: `Takes the options of ${original} and prints its output: \`binfmtctl ${name} --help\` lists them. The common options do not apply.`,
  words: [['[ARGUMENT...]', '']],
  options: [],
  examples: [],
  isDropIn: true,
});

export const HELP: CommandDescription = {
  name: 'help',
  summary: 'show help for a command',
  description: 'Shows all commands, or the options and examples of one.',
  words: [['[COMMAND...]', 'a command, such as `install` or `store list`']],
  options: [],
  examples: [
    ['binfmtctl help', 'all commands'],
    ['binfmtctl help install', 'one command'],
  ],
};

export const VERSION: CommandDescription = {
  name: 'version',
  summary: 'print the version',
  description: 'Prints the version of binfmtctl.',
  words: [],
  options: [],
  examples: [
    ['binfmtctl version', 'the version alone'],
    ['binfmtctl version --json', 'the same as JSON'],
  ],
};

export const PROGRAM: ProgramDescription = {
  description:
    'Run any Linux program on any Linux machine: binfmtctl finds or fetches the emulator, registers it with the kernel, and proves that it works.',
  sections: [
    { title: 'Emulators of this machine', commands: [INSTALL, UNINSTALL, STATUS, VERIFY] },
    { title: 'Programs without registration', commands: [RUN, ENTER] },
    { title: 'Sources and files', commands: [LOCK, BUNDLE, STORE, CATALOGUE, IMPORT, EXPORT] },
    {
      title: 'Drop-in replacements',
      commands: [
        dropIn('update-binfmts', 'update-binfmts(8)'),
        dropIn('systemd-binfmt', 'systemd-binfmt(8)'),
        dropIn('binfmt', 'the image tonistiigi/binfmt'),
      ],
    },
    { title: 'Help', commands: [HELP, VERSION] },
  ],
  examples: [
    ['binfmtctl install arm64', 'run arm64 programs and containers on this machine'],
    ['binfmtctl install --all --persist', 'every architecture, also after a reboot'],
    ['binfmtctl status', 'show what runs what'],
    ['binfmtctl uninstall --all', 'remove everything again'],
  ],
};

/** Commands and groups by name. */
export const COMMANDS = new Map(
  PROGRAM.sections.flatMap(({ commands }) => commands.map((each) => [each.name, each] as const)),
);
