import { Command } from 'commander';
import { withCommon, withOptions } from '../common-options.ts';
import { VERIFY_OPTIONS, type VerifyOptions } from './verify-options.ts';

/** Defines `verify` for its help, and for command lines that `parts/verify.ts` leaves to commander. */
export function verifyCommand(done: (status: number) => void): Command {
  const command = new Command('verify')
    .summary('prove by running programs')
    .description(
      'Runs a probe of each architecture on the host, in an empty chroot and in a new mount namespace',
    )
    .argument('[arch...]', 'architectures, in any spelling; without: all that have an entry');
  return withCommon(withOptions(command, VERIFY_OPTIONS), [
    ['binfmtctl verify', 'everything that is registered'],
    ['binfmtctl verify arm64 linux/arm/v7', 'only these'],
    ['binfmtctl verify arm64 --root /srv/arm64', 'inside a root file system'],
  ]).action(async (arches: string[], options: VerifyOptions) => {
    const { showProofs } = await import('../parts/operations.ts');
    done(await showProofs(arches, options));
  });
}
