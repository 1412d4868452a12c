import { archOfPattern } from '../catalogue/of-pattern.ts';
import type { Arch, Catalogue } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { isItemFailure } from '../errors.ts';
import type { KernelState } from '../obtain/types.ts';
import type { Entry } from '../rule/types.ts';
import { isCopyable, isReplaced } from './lost-entries.ts';
import { findOwnRules, type RuleRequest } from './own-rules.ts';
import type { OwnRule } from './run-cache.ts';
import type { EmulationRequest } from './types.ts';

/** The architectures of the entries that a private instance loses. */
export const lostArches = (entries: readonly Entry[], { catalogue }: Pick<Context, 'catalogue'>) => [
  ...new Set(
    entries
      .filter((entry) => !isCopyable(entry))
      .flatMap(({ pattern }) => archOfPattern(catalogue, pattern) ?? []),
  ),
];

/**
 * Finds emulators for the architectures of lost entries. Searches this machine first, including the emulators that the kernel
 * holds, then the user's sources except `path:`, which applies to a requested architecture.
 *
 * @throws the errors of `findOwnRules` for needed architectures. Others are skipped.
 */
export async function replaceLost(
  lost: readonly Arch[],
  { needed, ...request }: EmulationRequest & Pick<RuleRequest, 'needed'>,
  kernel: KernelState,
  context: Context,
): Promise<readonly OwnRule[]> {
  const find: Find = (arches, options) =>
    findOwnRules(arches, { ...options, needed: [...needed, ...arches] }, kernel, context);
  const own = [...(await findLocally(lost, find))];
  const sources = request.sources.filter((source) => !source.startsWith('path:'));
  const isNamed = request.sources.length > 0 || request.emulator !== undefined;
  for (const arch of lost.filter(({ id }) => !own.some((each) => each.arch === id))) {
    if (isNamed && sources.length === 0) continue;
    const isNeeded = needed.includes(arch);
    // The default sources are not used for an architecture that the user did not request.
    if (!isNeeded && !isNamed) continue;
    const found = find([arch], { ...request, sources });
    own.push(...(await (isNeeded ? found : orNone(found))));
  }
  return own;
}

type Find = (arches: readonly Arch[], options: Omit<RuleRequest, 'needed'>) => Promise<readonly OwnRule[]>;

/** Finds all at once; if that fails, one by one. */
async function findLocally(arches: readonly Arch[], find: Find): Promise<readonly OwnRule[]> {
  const here = { sources: [], all: true, local: true };
  try {
    return await find(arches, here);
  } catch (error) {
    skipItemFailure(error);
  }
  const own: OwnRule[] = [];
  for (const arch of arches) own.push(...(await orNone(find([arch], here))));
  return own;
}

const orNone = (found: Promise<readonly OwnRule[]>): Promise<readonly OwnRule[]> =>
  found.catch((error: unknown) => {
    skipItemFailure(error);
    return [];
  });

/** Ignores a failure that concerns one emulator: its entry stays lost, and `describeLost` warns. */
function skipItemFailure(error: unknown): void {
  if (!isItemFailure(error)) throw error;
}

/** One message per entry that has no effect in a private instance with these rules. */
export function describeLost(
  entries: readonly Entry[],
  own: readonly OwnRule[],
  catalogue: Catalogue,
): readonly string[] {
  const rules = own.map(({ rule }) => rule);
  const lost = entries.filter((entry) => !isCopyable(entry) && !isReplaced(entry, rules));
  return lost.map(({ name, interpreter, pattern, extra }) => {
    const why =
      extra === undefined
        ? `its interpreter ${interpreter} is not on this file system`
        : 'it has settings that are unknown to binfmtctl';
    const arch = archOfPattern(catalogue, pattern)?.id;
    const hint = arch === undefined ? '' : `; use --arch ${arch} to find another emulator`;
    return `entry ${name} has no effect inside: ${why}${hint}`;
  });
}
