import { listEntries } from '../binfmt/entries.ts';
import { restartNote } from '../binfmt/held.ts';
import { type InstanceFacts, inspectInstance } from '../binfmt/instance/instance.ts';
import { archOfPattern } from '../catalogue/of-pattern.ts';
import { findArches } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import { type Context, describeArches } from '../context.ts';
import { assertStoreTrusted } from '../emulators/store/trust.ts';
import type { Proof, Verdict } from '../probe/verdict.ts';
import { isOurs, readReadableRegistrations } from '../state/registrations.ts';
import { verify } from './verify.ts';

/** Result of `verify`. */
export interface VerifyReport {
  readonly schema: 'binfmtctl/verify/2';
  /** Whether the instance is mounted here; programs may run even if it is not. */
  readonly instance: Pick<InstanceFacts, 'directory' | 'mounted' | 'enabled'>;
  /** The worst outcome of all proofs. */
  readonly outcome: Verdict['outcome'];
  /** Whether `outcome` is `works`. */
  readonly holds: boolean;
  readonly proofs: readonly Proof[];
  /** Why architectures do not work, or could not be checked, each with its architecture. */
  readonly problems: readonly string[];
  /** Features that do not work and were not promised. */
  readonly limits: readonly string[];
  /** Entries that do not run the file at their interpreter's path, each with the command that registers it again. */
  readonly outdated: readonly string[];
}

/**
 * Verifies architectures by name. Without names, verifies those of all enabled entries and of missing entries that binfmtctl
 * registered; if the instance is not mounted here, those whose programs run.
 *
 * @throws UNKNOWN_ARCH; STORE_FAILED for a store that other users can change.
 */
export async function verifyArches(
  { arches: names, root }: { readonly arches: readonly string[]; readonly root?: string | undefined },
  context: Context,
): Promise<VerifyReport> {
  assertStoreTrusted(context.store);
  const { directory, mounted, enabled } = inspectInstance(context.binfmtDirectory);
  const arches =
    names.length > 0
      ? findArches(context.catalogue, names)
      : mounted
        ? await expectedArches(context)
        : allArches(context);
  if (arches.length > 0) {
    const ids = arches.map(({ id }) => id);
    context.report({
      kind: 'stage',
      stage: 'prove',
      text: `running probes of ${describeArches(ids)}`,
      arches: ids,
    });
  }
  const observed = arches.length === 0 ? [] : await verify({ arches, root }, context);
  const isSeen = ({ native, host }: Proof): boolean => !native && host.holds === true;
  const proofs = names.length > 0 || mounted ? observed : observed.filter(isSeen);
  const all = (of: (verdict: Verdict) => readonly string[]): readonly string[] =>
    proofs.flatMap(({ arch, verdict }) => of(verdict).map((each) => `${arch}: ${each}`));
  const outcome =
    (['fails', 'unchecked'] as const).find((each) =>
      proofs.some(({ verdict }) => verdict.outcome === each),
    ) ?? 'works';
  return {
    schema: 'binfmtctl/verify/2',
    instance: { directory, mounted, enabled },
    outcome,
    holds: outcome === 'works',
    proofs,
    problems: all((verdict) =>
      verdict.outcome === 'unchecked'
        ? verdict.reasons.map((each) => `not checked ${each}`)
        : verdict.reasons,
    ),
    limits: all(({ limits }) => limits),
    outdated: await restartNotes(proofs, context),
  };
}

async function restartNotes(proofs: readonly Proof[], context: Context): Promise<readonly string[]> {
  const changed = proofs.filter(({ held }) => held === 'replaced' || held === 'gone');
  if (changed.length === 0) return [];
  const registrations = await readReadableRegistrations(context);
  const entries = listEntries(context.binfmtDirectory);
  return changed.flatMap(({ arch, held, entry: name }) => {
    const entry = entries.find((each) => each.name === name);
    if (entry === undefined) return [];
    const ours = isOurs(entry, registrations);
    return restartNote({ entry, arch, ours, held }) ?? [];
  });
}

/** The architectures of enabled entries, and of entries that binfmtctl registered and that are gone, as after a reboot. */
async function expectedArches(context: Context): Promise<readonly Arch[]> {
  const { catalogue, binfmtDirectory } = context;
  const entries = listEntries(binfmtDirectory);
  const gone = [...(await readReadableRegistrations(context)).values()]
    .map(({ registration }) => registration)
    .filter(({ registered, rule }) => registered && !entries.some(({ name }) => name === rule.name))
    .map(({ rule }) => rule);
  const rules = [...entries.filter(({ enabled }) => enabled), ...gone];
  return [...new Set(rules.flatMap(({ pattern }) => archOfPattern(catalogue, pattern) ?? []))];
}

const allArches = ({ catalogue }: Context): readonly Arch[] => Object.values(catalogue.arches);
