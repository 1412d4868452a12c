import { findArches } from '../catalogue/resolve.ts';
import { BinfmtctlError } from '../errors.ts';
import { type InstallResult, install } from '../install/install.ts';
import type { InstallRequest } from '../install/types.ts';
import { type CommonOptions, namesAndAllError } from './common-options.ts';
import { withOperation } from './operation.ts';
import { asRoot } from './root-required.ts';

/** Resolves the names of the command line and installs. */
export async function installArches(
  { arches, ...request }: Omit<InstallRequest, 'arches'> & { readonly arches: readonly string[] },
  options: CommonOptions,
): Promise<InstallResult> {
  const hasArches = arches.some((names) => /[^,\s]/.test(names));
  if (!hasArches && !request.all) {
    throw new BinfmtctlError('USAGE', 'install needs an architecture or --all', {
      hint: '`binfmtctl catalogue list` shows all architectures',
    });
  }
  if (hasArches && request.all) throw namesAndAllError('install', 'architectures');
  let entries = 'the emulators';
  return asRoot(
    () => `register ${entries}`,
    () =>
      withOperation(options, (context) => {
        const found = findArches(context.catalogue, arches);
        if (found.length > 0)
          entries = found.map(({ id }) => `${request.emulator ?? 'qemu'}-${id}`).join(', ');
        return install({ ...request, arches: found }, context);
      }),
  );
}
