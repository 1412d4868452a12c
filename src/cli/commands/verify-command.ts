import type { OwnCommand } from '../command-line.ts';
import { COMMON_OPTIONS, type CommonOptions } from '../common-options.ts';
import type { CommandDescription } from '../options.ts';

export interface VerifyOptions extends CommonOptions {
  readonly root?: string;
}

/** `verify`, without what it does: parts/verify.ts runs it alone. */
export const VERIFY: CommandDescription = {
  name: 'verify',
  summary: 'prove by running programs',
  description:
    'Runs a probe of each architecture on the host, in an empty chroot and in a new mount namespace',
  words: [['[arch...]', 'architectures, in any spelling; without: all that have an entry']],
  options: [['--root <dir>', 'run in this foreign root in place of an empty one'], ...COMMON_OPTIONS],
  examples: [
    ['binfmtctl verify', 'everything that is registered'],
    ['binfmtctl verify arm64 linux/arm/v7', 'only these'],
    ['binfmtctl verify arm64 --root /srv/arm64', 'inside a root file system'],
  ],
};

export const verifyCommand: OwnCommand = {
  description: VERIFY,
  run: async (options: VerifyOptions, arches: readonly string[]) =>
    (await import('../parts/operations.ts')).showProofs(arches, options),
};
