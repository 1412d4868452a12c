import { archOfPattern } from '../catalogue/of-pattern.ts';
import { findArches } from '../catalogue/resolve.ts';
import { listEntries } from '../kernel/entries.ts';
import type { Context } from './context.ts';
import { type Proof, shortcomings } from './proof.ts';
import { recordProofs } from './proofs.ts';
import { verify } from './verify.ts';

export interface VerifyReport {
  readonly schema: 'binfmtctl/verify/1';
  readonly holds: boolean;
  readonly proofs: readonly Proof[];
  /** Every shortcoming, with the arch that it is of. */
  readonly problems: readonly string[];
}

/**
 * Proves arches as the command line names them, or without names all that an enabled entry takes.
 *
 * @throws UNKNOWN_ARCH, NO_BINFMT_MISC.
 */
export async function verifyArches(
  { arches: names, root }: { readonly arches: readonly string[]; readonly root?: string | undefined },
  context: Context,
): Promise<VerifyReport> {
  const entries = await listEntries(context.binfmtDirectory);
  const { catalogue } = context;
  const arches =
    names.length > 0
      ? findArches(catalogue, names)
      : [
          ...new Set(
            entries.flatMap(({ enabled, pattern }) =>
              enabled ? (archOfPattern(catalogue, pattern) ?? []) : [],
            ),
          ),
        ];
  const proofs = arches.length === 0 ? [] : await verify({ arches, root }, context);
  const flagsOf = (proof: Proof) => entries.find(({ name }) => name === proof.entry)?.flags ?? [];
  const problems = proofs.flatMap((proof) => {
    const flags = flagsOf(proof);
    const asked = { chroots: true, argv0: flags.includes('P'), credentials: flags.includes('C') };
    return shortcomings(proof, asked).map((each) => `${proof.arch}: ${each}`);
  });
  await recordProofs(proofs, context);
  return { schema: 'binfmtctl/verify/1', holds: problems.length === 0, proofs, problems };
}
