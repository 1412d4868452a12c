import type { Arch } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { maskSecrets } from '../formats/secrets.ts';

/** An arch that nothing was found for. */
export interface Missing {
  readonly arch: string;
  readonly why: string;
}

/** There is no emulator for an arch on machines of the arch `host`. */
export function notFound(
  arch: Arch,
  host: Arch,
  { sources, emulator }: { readonly sources: readonly string[]; readonly emulator?: string | undefined },
): BinfmtctlError {
  const wanted = emulator === undefined ? 'emulator' : `emulator ${emulator}`;
  return new BinfmtctlError(
    'EMULATOR_NOT_FOUND',
    `no ${wanted} for ${arch.id} was found for this machine (${host.id})`,
    {
      hint:
        sources.length > 0
          ? `is it in ${maskSecrets(sources.join(', '))}? leave --source out to look on this machine and in the distribution's archive`
          : 'name a file with --source path:FILE or a folder with --source dir:DIR',
    },
  );
}
