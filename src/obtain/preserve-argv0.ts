/**
 * Preserves argv[0] on kernels before Linux 5.12, which do not tell the emulator about flag P. Debian's QEMU then
 * detects the flag from the suffix of its registered name.
 */
import { createReadStream, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { runningKernelFeatures } from '../binfmt/features.ts';
import type { Context } from '../context.ts';
import { layoutPaths } from '../emulators/names.ts';
import { emulatorsIn } from '../emulators/store/store.ts';
import { keep } from '../emulators/store/writer.ts';
import { reportedArgv0 } from '../probe/assert-runs.ts';
import type { FoundEmulator } from './found.ts';

/** The suffix of a name that is registered with flag P. */
export const PRESERVING = '-binfmt-P';

/**
 * Returns the emulator under a name with that suffix, if the kernel requires it and a probe shows that it has an
 * effect.
 */
export async function preservingName(
  found: FoundEmulator,
  { dryRun }: { readonly dryRun: boolean },
  context: Context,
): Promise<FoundEmulator> {
  const { arch, profile, emulator } = found;
  if (profile.preserveArgv0.mode !== 'auto' || runningKernelFeatures().tellsPreserveArgv0) return found;
  if (emulator.path.endsWith(PRESERVING)) return found;
  const reported = await reportedArgv0(
    arch,
    emulator.path,
    { name: `/${PRESERVING}`, argument: MARK },
    context,
  );
  if (reported !== MARK) return found;
  const path = packagedName(found) ?? (await storedUnder(found, context, { dryRun }));
  return { ...found, emulator: { ...emulator, path } };
}

const MARK = 'called-so';

/** The distribution's name with that suffix for the same file; null if there is none. */
function packagedName({ arch, profile, emulator }: FoundEmulator): string | null {
  const names = layoutPaths(profile, arch.id).filter((path) => path.endsWith(PRESERVING));
  return names.find((path) => isSameFile(path, emulator.path)) ?? null;
}

function isSameFile(path: string, other: string): boolean {
  try {
    return realpathSync(path) === realpathSync(other);
  } catch {
    return false;
  }
}

async function storedUnder(
  { arch, profile, emulator }: FoundEmulator,
  { store }: Context,
  { dryRun }: { readonly dryRun: boolean },
): Promise<string> {
  const name = `${profile.guests[arch.id] ?? arch.id}${PRESERVING}`;
  if (dryRun) return join(emulatorsIn(store), emulator.sha256, name);
  return (await keep(store, name, createReadStream(emulator.path))).path;
}
