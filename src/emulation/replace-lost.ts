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
 * Finds emulators for architectures of lost entries: on this machine, which includes a copy of the emulator that the kernel
 * holds. Else the sources of the user are asked, but not `path:`, which is for an architecture that the user asked for.
 *
 * @throws what `findOwnRules` throws for those that are needed; the others are left out.
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
    // Nothing is fetched from the default sources for an architecture that was not asked for.
    if (!isNeeded && !isNamed) continue;
    const found = find([arch], { ...request, sources });
    own.push(...(await (isNeeded ? found : orNone(found))));
  }
  return own;
}

type Find = (arches: readonly Arch[], options: Omit<RuleRequest, 'needed'>) => Promise<readonly OwnRule[]>;

/** All at once, or one by one where one of them keeps the others from being found. */
async function findLocally(arches: readonly Arch[], find: Find): Promise<readonly OwnRule[]> {
  const here = { sources: [], all: true, local: true };
  try {
    return await find(arches, here);
  } catch (error) {
    passOver(error);
  }
  const own: OwnRule[] = [];
  for (const arch of arches) own.push(...(await orNone(find([arch], here))));
  return own;
}

const orNone = (found: Promise<readonly OwnRule[]>): Promise<readonly OwnRule[]> =>
  found.catch((error: unknown) => {
    passOver(error);
    return [];
  });

/** A failure means that an entry stays lost, of which `describeLost` warns. */
function passOver(error: unknown): void {
  if (!isItemFailure(error)) throw error;
}

/** A sentence for each entry that has no effect in a private instance with these rules. */
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
        : 'binfmtctl does not know how to register it once more';
    const arch = archOfPattern(catalogue, pattern)?.id;
    const hint = arch === undefined ? '' : `; --arch ${arch} looks for another emulator`;
    return `entry ${name} has no effect inside: ${why}${hint}`;
  });
}
