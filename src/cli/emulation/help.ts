import { Command } from 'commander';
import { COMMON_OPTIONS, examples, withOptions } from '../common-options.ts';
import type { EmulatedCommand } from './commands.ts';

/** A command of commands.ts as commander lists it and shows its help. */
export function emulatedHelp({
  name,
  summary,
  description,
  words,
  options,
  shown,
}: EmulatedCommand): Command {
  const command = new Command(name).summary(summary).description(description);
  for (const [word, what] of words) command.argument(word, what);
  return withOptions(command, [...options, ...COMMON_OPTIONS])
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', examples(shown));
}
