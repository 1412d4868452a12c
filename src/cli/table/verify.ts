import type { CommandDescription } from '../grammar/types.ts';

export const VERIFY: CommandDescription = {
  name: 'verify',
  summary: 'prove by running programs that entries work',
  description:
    'Runs a probe of each architecture on the host, in an empty chroot and in a new mount namespace.',
  words: [['[ARCH...]', 'architectures, in any spelling; default: all that have an entry']],
  options: [
    [
      '--root DIR',
      'run the probes in this root file system instead of an empty chroot',
      { path: 'directory' },
    ],
  ],
  examples: [
    ['binfmtctl verify', 'everything that is registered'],
    ['binfmtctl verify arm64 linux/arm/v7', 'only these architectures'],
    ['binfmtctl verify arm64 --root /srv/arm64', 'inside a root file system'],
  ],
};
