import { archOfPattern } from '../catalogue/of-pattern.ts';
import { archOfHeader, archPattern } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import { BinfmtctlError, isBinfmtctlError } from '../errors.ts';
import { entryIdentity } from '../kernel/entry-identity.ts';
import { judge } from '../plan/verdict.ts';
import { builtinCatalogue } from '../profiles/builtin.ts';
import { covers, overlap } from '../rule/algebra.ts';
import { firstMatch } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import type { Context } from './context.ts';
import type { EmulatedArch, Emulation, EmulationRequest } from './emulation.ts';
import { isCopyable, reaches, withEntries } from './emulation.ts';
import { obtainEmulators } from './emulators.ts';
import { findNatives, type Natives } from './natives.ts';
import { readProofs } from './proofs.ts';
import { NOTHING, type OwnRule, recall, remember } from './remembered.ts';
import { requireSafe } from './safety.ts';
import { verify } from './verify.ts';
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
  // A source or an emulator that is named comes before the machine's entries.
  const isNamed = request.sources.length > 0 || request.emulator !== undefined;
  const usable = isNamed ? [] : entries.filter((entry) => reaches(entry, root));
  const known = heads.map((head) => archOfHeader(context.catalogue, head));
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
  const takers = new Map(
    wanted.map((arch) => {
      const head = heads[known.indexOf(arch)] ?? archPattern(arch).magic;
      return [arch.id, firstMatch(usable, head, '')];
    }),
  );
  const isServed = (arch: Arch): boolean => takers.get(arch.id) !== null || isNative(arch);
  await requireWorking(
    needed.map((arch) => ({ arch, entry: takers.get(arch.id) ?? null })),
    root,
    context,
  );
  const find = (arches: readonly Arch[]) =>
    arches.length === 0 ? [] : findOwnRules(arches, needed, request, entries, natives, context);
  const found = await find(wanted.filter((arch) => !isServed(arch)));
  // A private instance hides the machine's: of entries that cannot be registered again the emulator has to be obtained.
  const lost =
    found.length === 0
      ? []
      : archesOf(
          entries.filter((entry) => !isCopyable(entry)),
          context,
        );
  const isLost = (arch: Arch): boolean => lost.includes(arch);
  const unasked = lost.filter((arch) => !wanted.includes(arch));
  const own = [
    ...found,
    ...(await find(wanted.filter((arch) => isLost(arch) && takers.get(arch.id) !== null))),
    // Children may be of these; without an emulator `lostEntries` warns.
    ...(await Promise.all(unasked.map((arch) => orNone(find([arch]))))).flat(),
  ];
  const emulated = own.map(
    ({ arch, rule, version }): EmulatedArch => ({
      arch,
      by: 'private',
      entry: rule.name,
      emulator: rule.interpreter,
      version,
    }),
  );
  const served = wanted
    .filter((arch) => isServed(arch) && (own.length === 0 || !isLost(arch)))
    .map((arch) => whoServes(arch, takers.get(arch.id) ?? null));
  const arches = [...served, ...emulated];
  requireAll(needed, arches);
  return {
    arches,
    programs: known.map((arch, index) => {
      if (arch !== null) return arches.find((each) => each.arch === arch.id)?.by ?? null;
      return firstMatch(usable, heads[index] ?? new Uint8Array(), '') === null ? null : 'entry';
    }),
    rules:
      own.length === 0
        ? null
        : withEntries(
            own.map(({ rule }) => rule),
            entries,
          ),
    warnings: [
      ...own.flatMap(({ warnings }) => warnings),
      ...(own.length === 0 ? [] : lostEntries(entries, own)),
    ],
  };
}

const archesOf = (entries: readonly Entry[], { catalogue }: Context): readonly Arch[] => [
  ...new Set(entries.flatMap(({ pattern }) => archOfPattern(catalogue, pattern) ?? [])),
];

async function orNone(rules: readonly OwnRule[] | Promise<readonly OwnRule[]>): Promise<readonly OwnRule[]> {
  try {
    return await rules;
  } catch (error) {
    if (!isBinfmtctlError(error) || error.code === 'INTERRUPTED') throw error;
    return [];
  }
}

/** What is not emulated beside a private instance although the machine has an entry for it. */
function lostEntries(entries: readonly Entry[], own: readonly OwnRule[]): readonly string[] {
  const lost = entries.filter((entry) => {
    const isReplaced = own.some(
      ({ rule }) => rule.name === entry.name || covers(rule.pattern, entry.pattern),
    );
    return !isCopyable(entry) && !isReplaced;
  });
  return lost.map(
    ({ name, interpreter }) =>
      `entry ${name} has no effect inside: its interpreter ${interpreter} is not on this file system; name its architecture with --arch`,
  );
}

interface Taken {
  readonly arch: Arch;
  readonly entry: Entry | null;
}

/**
 * Probes the entries that have not been probed as they are now.
 *
 * @throws NOT_PROVED for one that does not run the programs that it takes.
 */
async function requireWorking(all: readonly Taken[], root: string | null, context: Context): Promise<void> {
  const proofs = await readProofs(context);
  const unproved = all.flatMap(({ arch, entry }) => {
    // Without F it is another file in each root.
    if (entry === null || (root !== null && !entry.flags.includes('F'))) return [];
    const proof = proofs.get(entryIdentity(context.binfmtDirectory, entry) ?? '');
    return proof === undefined || proof.holds === false ? [{ arch, entry }] : [];
  });
  if (unproved.length === 0) return;
  const { context: quiet } = keepingWarnings(context, { silent: true });
  const observed = await verify({ arches: unproved.map(({ arch }) => arch) }, quiet);
  for (const { arch, entry } of unproved) {
    const proof = observed.find((each) => each.arch === arch.id && each.entry === entry.name);
    if (proof === undefined) continue;
    const expected = { chroots: root !== null, argv0: false, credentials: false };
    const { outcome, reasons } = judge(proof, expected);
    if (outcome === 'fails') throw brokenEntry(arch, entry, reasons);
  }
}

function brokenEntry({ id }: Arch, { name, interpreter }: Entry, reasons: readonly string[]): BinfmtctlError {
  const what = `entry ${name} takes ${id} programs, but its interpreter ${interpreter} does not run them`;
  return new BinfmtctlError('NOT_PROVED', `${what}: ${reasons.join('; ')}`, {
    hint: `use another emulator with --source or --emulator; as root, \`binfmtctl install ${id} --replace\` repairs the entry`,
  });
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
  const { found } = await obtainEmulators(
    arches,
    entries,
    natives,
    { ...request, prove: true, dryRun: false },
    quiet,
  );
  return Promise.all(
    found.map(async (each, index): Promise<OwnRule> => {
      // Only this namespace is concerned: set-user-id programs may be what they are on their own machine.
      const rule = await ruleFor(each, { credentials: true, persist: 'none' });
      const { version } = each.emulator;
      return { arch: each.arch.id, rule, version, warnings: index === 0 ? warnings : [] };
    }),
  );
}

function whoServes({ id }: Arch, entry: Entry | null): EmulatedArch {
  const machine = { arch: id, by: 'machine', entry: null, emulator: null, version: null } as const;
  return entry === null
    ? machine
    : { ...machine, by: 'entry', entry: entry.name, emulator: entry.interpreter };
}

function requireAll(wanted: readonly Arch[], served: readonly { readonly arch: string }[]): void {
  const missing = wanted.find(({ id }) => !served.some(({ arch }) => arch === id));
  if (missing === undefined) return;
  throw new BinfmtctlError('EMULATOR_NOT_FOUND', `no emulator for ${missing.id} was found`, {
    hint: 'name a file with --source path:FILE or a folder with --source dir:DIR',
  });
}
