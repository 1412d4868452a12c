import { Command } from 'commander';
import { type CommonOptions, withCommon } from '../common-options.ts';
import { showStatus } from './status.ts';

/** Defines `status` for its help, and for command lines that `parts/status.ts` leaves to commander. */
export function statusCommand(done: (status: number) => void): Command {
  const command = new Command('status')
    .summary('who runs what')
    .description(
      "The entries of the binfmt_misc instance in the kernel's order, who runs them, and whether they were proved",
    );
  return withCommon(command, [
    ['binfmtctl status', 'a table for people'],
    ['binfmtctl status --json', 'the same for programs'],
  ]).action(async (options: CommonOptions) => done(await showStatus(options)));
}
