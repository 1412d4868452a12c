import type { CommandDescription } from '../grammar/types.ts';

export const STATUS: CommandDescription = {
  name: 'status',
  summary: 'show all entries and their emulators',
  description:
    "Shows the entries of the binfmt_misc instance in the kernel's order, their emulators, and whether these were verified.",
  words: [],
  options: [],
  examples: [
    ['binfmtctl status', 'a table'],
    ['binfmtctl status --json', 'the same as JSON'],
  ],
};
