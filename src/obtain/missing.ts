import type { Arch } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { maskSecrets } from '../text/secrets.ts';

/** An arch without an emulator. */
export interface Missing {
  readonly arch: string;
  readonly why: string;
}

/** Error: no emulator for an arch on machines of the arch `host`. */
export function notFound(
  arch: Arch,
  host: Arch,
  { sources, emulator }: { readonly sources: readonly string[]; readonly emulator?: string | undefined },
): BinfmtctlError {
  const subject = emulator === undefined ? 'emulator' : `emulator ${emulator}`;
  return new BinfmtctlError(
    'EMULATOR_NOT_FOUND',
    `no ${subject} for ${arch.id} found for this machine (${host.id})`,
    {
      hint:
        sources.length > 0
          ? `check ${maskSecrets(sources.join(', '))}, or omit --source to search this machine and the default sources`
          : 'use --source path:FILE or --source dir:DIR',
    },
  );
}

/** Error with `--all`: no emulator for any arch; `host` is set if the emulators are for other machines. */
export function noneFound(
  sources: readonly string[],
  missing: readonly Missing[] = [],
  host: Arch | null = null,
): BinfmtctlError {
  const where = sources.length === 0 ? '' : ` in ${maskSecrets(sources.join(', '))}`;
  const machines = host === null ? '' : ` for ${host.id} machines`;
  const why = missing.length === 1 ? `: ${missing[0]?.why}` : '';
  const message = `no emulator found for any architecture${where}${machines}${why}`;
  return new BinfmtctlError('EMULATOR_NOT_FOUND', message, {
    hint:
      sources.length > 0
        ? 'omit --source to search this machine and the default sources'
        : 'use --source path:FILE or --source dir:DIR',
  });
}
