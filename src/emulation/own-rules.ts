/** Rules for a private instance. */
import { programPattern } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { buildRule } from '../install/desired.ts';
import { obtainEmulators } from '../obtain/obtain.ts';
import type { EmulatorRequest, KernelState } from '../obtain/types.ts';
import { builtinCatalogue } from '../profiles/builtin.ts';
import { requireSafe } from '../safety/machine-safety.ts';
import { keepingWarnings } from '../state/warnings.ts';
import { addToRunCache, EMPTY_RUN_CACHE, type OwnRule, readRunCache } from './run-cache.ts';
import type { EmulationRequest } from './types.ts';

export type RuleRequest = Pick<EmulationRequest, 'sources' | 'emulator' | 'allowUnverified' | 'all'> &
  Pick<EmulatorRequest, 'local' | 'optional' | 'dynamic'> & {
    /** Architectures that must be found; others may be missing. */
    readonly needed: readonly Arch[];
  };

/** A rule for each architecture that has an emulator: from the cache, or found and fetched. */
export async function findOwnRules(
  arches: readonly Arch[],
  request: RuleRequest,
  kernel: KernelState,
  context: Context,
): Promise<readonly OwnRule[]> {
  if (arches.length === 0) return [];
  const { needed, sources, emulator, all, local, dynamic } = request;
  const isUsual =
    sources.length === 0 && emulator === undefined && context.catalogue.arches === builtinCatalogue().arches;
  const cache = isUsual ? readRunCache(context) : EMPTY_RUN_CACHE;
  const recalled = cache.rules.filter(
    ({ arch, rule }) =>
      arches.some(({ id }) => id === arch) && (dynamic === true || rule.flags.includes('F')),
  );
  // After a complete search, `all` does not repeat the search for architectures without an emulator.
  const searched = cache.all ? arches.filter((arch) => needed.includes(arch)) : arches;
  const open = searched.filter(({ id }) => !recalled.some(({ arch }) => arch === id));
  const found = open.length === 0 ? [] : await obtainRules(open, request, kernel, context);
  if (isUsual && found.length > 0) await addToRunCache({ rules: found, all: all && !local }, context);
  const own = [...recalled, ...found];
  const rules = own.map(({ rule }) => rule);
  await requireSafe(rules, context, kernel);
  return own;
}

async function obtainRules(
  arches: readonly Arch[],
  request: RuleRequest,
  kernel: KernelState,
  context: Context,
): Promise<readonly OwnRule[]> {
  // Collected, not printed: standard error belongs to the program.
  const { context: quiet, warnings } = keepingWarnings(context, { silent: true });
  const search = { ...request, prove: true, dryRun: false };
  const { found } = await obtainEmulators(arches, kernel, search, quiet);
  return Promise.all(
    found.map(async (each, index): Promise<OwnRule> => {
      // Credentials are safe here: they only affect this namespace.
      const rule = await buildRule(each, { credentials: true, persist: 'none' });
      const { arch, emulator } = each;
      return {
        arch: arch.id,
        rule: { ...rule, pattern: programPattern(arch) },
        version: emulator.version,
        warnings: index === 0 ? warnings : [],
      };
    }),
  );
}
