import type { Arch } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { maskSecrets } from '../text/secrets.ts';

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
  const subject = emulator === undefined ? 'emulator' : `emulator ${emulator}`;
  return new BinfmtctlError(
    'EMULATOR_NOT_FOUND',
    `no ${subject} for ${arch.id} was found for this machine (${host.id})`,
    {
      hint:
        sources.length > 0
          ? `is it in ${maskSecrets(sources.join(', '))}? leave --source out to look on this machine and in the distribution's archive`
          : 'name a file with --source path:FILE or a folder with --source dir:DIR',
    },
  );
}

/** With `--all`: there is no emulator for any arch, on machines of the arch `host` if they are others. */
export function noneFound(
  sources: readonly string[],
  missing: readonly Missing[] = [],
  host: Arch | null = null,
): BinfmtctlError {
  const where = sources.length === 0 ? '' : ` in ${maskSecrets(sources.join(', '))}`;
  const machines = host === null ? '' : ` for ${host.id} machines`;
  const why = missing.length === 1 ? `: ${missing[0]?.why}` : '';
  const message = `no emulator for any architecture was found${where}${machines}${why}`;
  return new BinfmtctlError('EMULATOR_NOT_FOUND', message, {
    hint:
      sources.length > 0
        ? 'omit --source to search this machine and the default sources'
        : 'name a directory with --source dir:DIR',
  });
}
