/**
 * argv[0] on kernels that do not tell an emulator of flag P, which those before Linux 5.12 do not. Debian's QEMU then learns of it
 * from the end of its own name, as it is registered.
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

/** The end of a name that says: registered with flag P. */
export const PRESERVING = '-binfmt-P';

/** The emulator by a name with that end, where the kernel makes it necessary and the emulator is seen to heed it. */
export async function preservingName(
  found: FoundEmulator,
  { dryRun }: { readonly dryRun: boolean },
  context: Context,
): Promise<FoundEmulator> {
  const { arch, profile, emulator } = found;
  if (profile.preserveArgv0.mode !== 'auto' || runningKernelFeatures().tellsPreserveArgv0) return found;
  if (emulator.path.endsWith(PRESERVING)) return found;
  const heeds = await reportedArgv0(arch, emulator.path, MARK, `/${PRESERVING}`, context);
  if (heeds !== MARK) return found;
  const path = packagedName(found) ?? (await storedUnder(found, context, { dryRun }));
  return { ...found, emulator: { ...emulator, path } };
}

const MARK = 'called-so';

/** The distribution's own name of that kind for this very file; null if it has none. */
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
