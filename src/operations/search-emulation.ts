import { archOfHeader, archPattern } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { builtinCatalogue } from '../profiles/builtin.ts';
import { overlap } from '../rule/algebra.ts';
import { firstMatch } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import type { Context } from './context.ts';
import type { EmulatedArch, Emulation, EmulationRequest } from './emulation.ts';
import { reaches, withEntries } from './emulation.ts';
import { obtainEmulators } from './emulators.ts';
import { findNatives, type Natives } from './natives.ts';
import { NOTHING, type OwnRule, recall, remember } from './remembered.ts';
import { requireSafe } from './safety.ts';
import { ruleFor } from './wanted.ts';
import { keepingWarnings } from './warnings.ts';

/** As `findEmulation`, with all that it takes. `entries` are those that serve us. */
export async function searchEmulation(
  heads: readonly Uint8Array[],
  request: EmulationRequest,
  root: string | null,
  entries: readonly Entry[],
  context: Context,
): Promise<Emulation> {
  const known = heads.map((head) => archOfHeader(context.catalogue, head));
  const byEntry = heads.map((head) => {
    const entry = firstMatch(entries, head, '');
    return entry !== null && reaches(entry, root);
  });
  const needed = [...new Set([...known.flatMap((arch) => arch ?? []), ...request.arches])];
  const natives = await findNatives(
    context,
    (native) => request.all || needed.some((arch) => overlap(archPattern(arch), native)),
  );
  const isNative = ({ id }: Arch): boolean => natives.arches.some((native) => native.id === id);
  const others = Object.values(context.catalogue.arches).filter(
    ({ id }) => !natives.unproven.some(({ arch }) => arch.id === id),
  );
  const wanted = request.all ? [...new Set([...needed, ...others])] : needed;
  const served = wanted.flatMap((arch) => whoServes(arch, isNative(arch), entries, root) ?? []);
  const open = wanted.filter(({ id }) => !served.some(({ arch }) => arch === id));
  const own = open.length === 0 ? [] : await findOwnRules(open, needed, request, entries, natives, context);
  const emulated = own.map(
    ({ arch, rule, version }): EmulatedArch => ({
      arch,
      by: 'private',
      entry: rule.name,
      emulator: rule.interpreter,
      version,
    }),
  );
  const arches = [...served, ...emulated];
  requireAll(needed, arches);
  return {
    arches,
    programs: known.map((arch, index) =>
      byEntry[index] ? 'entry' : (arches.find((each) => each.arch === arch?.id)?.by ?? null),
    ),
    rules:
      own.length === 0
        ? null
        : withEntries(
            own.map(({ rule }) => rule),
            entries,
          ),
    warnings: own.flatMap(({ warnings }) => warnings),
  };
}

/** A rule for each arch, as far as there are emulators: those of the last time, or found and fetched. */
async function findOwnRules(
  arches: readonly Arch[],
  needed: readonly Arch[],
  request: EmulationRequest,
  entries: readonly Entry[],
  natives: Natives,
  context: Context,
): Promise<readonly OwnRule[]> {
  const { sources, emulator, all } = request;
  const isUsual =
    sources.length === 0 && emulator === undefined && context.catalogue.arches === builtinCatalogue().arches;
  const memory = isUsual ? recall(context) : NOTHING;
  const recalled = memory.rules.filter(({ arch }) => arches.some(({ id }) => id === arch));
  // What nothing was found for the last time that all were asked for is not looked for with all again.
  const wanted = memory.all ? arches.filter((arch) => needed.includes(arch)) : arches;
  const open = wanted.filter(({ id }) => !recalled.some(({ arch }) => arch === id));
  const found = open.length === 0 ? [] : await obtainRules(open, request, entries, natives, context);
  if (isUsual && found.length > 0) await remember({ rules: found, all }, context);
  const own = [...recalled, ...found];
  const rules = own.map(({ rule }) => rule);
  await requireSafe(rules, context, { entries, natives });
  return own;
}

async function obtainRules(
  arches: readonly Arch[],
  request: EmulationRequest,
  entries: readonly Entry[],
  natives: Natives,
  context: Context,
): Promise<readonly OwnRule[]> {
  // Said on request only: a program's standard error is its own.
  const { context: quiet, warnings } = keepingWarnings(context, { silent: true });
  const { found } = await obtainEmulators(arches, entries, natives, { ...request, dryRun: false }, quiet);
  return Promise.all(
    found.map(async (each, index): Promise<OwnRule> => {
      // Only this namespace is concerned: set-user-id programs may be what they are on their own machine.
      const rule = await ruleFor(each, { credentials: true, persist: 'none' });
      const { version } = each.emulator;
      return { arch: each.arch.id, rule, version, warnings: index === 0 ? warnings : [] };
    }),
  );
}

function whoServes(
  arch: Arch,
  native: boolean,
  entries: readonly Entry[],
  root: string | null,
): EmulatedArch | null {
  const nobody = { arch: arch.id, entry: null, emulator: null, version: null };
  const entry = firstMatch(entries, archPattern(arch).magic, arch.id);
  if (entry !== null && reaches(entry, root)) {
    return { ...nobody, by: 'entry', entry: entry.name, emulator: entry.interpreter };
  }
  return native ? { ...nobody, by: 'machine' } : null;
}

function requireAll(wanted: readonly Arch[], served: readonly { readonly arch: string }[]): void {
  const missing = wanted.find(({ id }) => !served.some(({ arch }) => arch === id));
  if (missing === undefined) return;
  throw new BinfmtctlError('EMULATOR_NOT_FOUND', `no emulator for ${missing.id} was found`, {
    hint: 'name a file with --source path:FILE or a folder with --source dir:DIR',
  });
}
