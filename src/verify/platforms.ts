import { listEntries } from '../binfmt/entries.ts';
import { listPlatforms } from '../catalogue/platforms.ts';
import { findArch } from '../catalogue/resolve.ts';
import type { Context } from '../context.ts';
import { judge } from '../probe/verdict.ts';
import { findNatives } from '../safety/natives.ts';
import { cpuFlags } from '../system/host.ts';
import { verifyArches } from './verify-arches.ts';

export interface Platforms {
  /** Platforms whose programs ran here: native ones first, then in a fixed order. */
  readonly supported: readonly string[];
  /** Names of the enabled entries, sorted. */
  readonly emulators: readonly string[];
}

const IN_CONTAINERS = { chroots: true, argv0: false, credentials: false };

/** The platforms that containers can run here, found by a probe of every registered architecture. @throws NO_BINFMT_MISC. */
export async function readPlatforms(context: Context): Promise<Platforms> {
  const [{ arches }, { proofs }] = await Promise.all([
    findNatives(context),
    verifyArches({ arches: [] }, context),
  ]);
  const emulated = proofs
    .filter((proof) => proof.host.holds === true && judge(proof, IN_CONTAINERS).outcome !== 'fails')
    .map(({ arch }) => findArch(context.catalogue, arch));
  const entries = listEntries(context.binfmtDirectory).filter(({ enabled }) => enabled);
  return {
    supported: listPlatforms(arches, emulated, cpuFlags()),
    emulators: entries.map(({ name }) => name).toSorted(),
  };
}
