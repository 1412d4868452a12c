import { entryIdentity } from '../binfmt/entry-identity.ts';
import { archOfHeader, archPattern } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { noneFound } from '../obtain/missing.ts';
import { judge } from '../probe/verdict.ts';
import { overlap } from '../rule/algebra.ts';
import { firstMatch } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import { findNatives } from '../safety/natives.ts';
import { keepingWarnings } from '../state/warnings.ts';
import { holdsIn, readProofs } from '../verify/proofs.ts';
import { verify } from '../verify/verify.ts';
import { isCopyable, withEntries, worksInRoot } from './lost-entries.ts';
import { findOwnRules } from './own-rules.ts';
import { describeLost, lostArches, replaceLost } from './replace-lost.ts';
import type { EmulatedArch, Emulation, EmulationSearch } from './types.ts';

/** As `findEmulation`, without the cache. */
export async function findUncachedEmulation(
  { heads, request, root, entries }: EmulationSearch,
  context: Context,
): Promise<Emulation> {
  // An explicit source or emulator takes precedence over existing entries.
  const isNamed = request.sources.length > 0 || request.emulator !== undefined;
  const entriesForRoot = entries.filter((entry) => worksInRoot(entry, root));
  const usable = isNamed ? [] : entriesForRoot;
  const known = heads.map((head) => archOfHeader(context.catalogue, head));
  const needed = [...new Set([...known.flatMap((arch) => arch ?? []), ...request.arches])];
  const lost = lostArches(entries, context);
  const natives = await findNatives(
    context,
    (native) => request.all || [...needed, ...lost].some((arch) => overlap(archPattern(arch), native)),
  );
  const isNative = ({ id }: Arch): boolean => natives.arches.some((native) => native.id === id);
  const others = Object.values(context.catalogue.arches).filter(
    ({ id }) => !natives.unproven.some(({ arch }) => arch.id === id),
  );
  const targets = request.all ? [...new Set([...needed, ...others])] : needed;
  const entryFor = (arch: Arch, among: readonly Entry[]): Entry | null =>
    firstMatch(among, heads[known.indexOf(arch)] ?? archPattern(arch).magic, request.path ?? '');
  const matching = new Map(targets.map((arch) => [arch.id, entryFor(arch, usable)]));
  const isServed = (arch: Arch): boolean => matching.get(arch.id) !== null || isNative(arch);
  const assertEntriesProved = (arches: readonly Arch[]) =>
    assertProved(
      arches.map((arch) => ({ arch, entry: matching.get(arch.id) ?? null })),
      root,
      context,
    );
  await assertEntriesProved(needed);
  const unserved = targets.filter((arch) => !isServed(arch));
  // Sources apply to the architectures that the user names; an entry may serve the program's architecture.
  const optional =
    isNamed && (request.all || request.arches.length > 0)
      ? needed.filter(
          (arch) =>
            !isServed(arch) && !request.arches.includes(arch) && entryFor(arch, entriesForRoot) !== null,
        )
      : [];
  const kernel = { entries, natives };
  const search = { ...request, needed, optional: optional.map(({ id }) => id), dynamic: root === null };
  const found = await findOwnRules(unserved, search, kernel, context);
  const isFound = ({ id }: Arch): boolean => found.some(({ arch }) => arch === id);
  const byEntry = optional.filter((arch) => !isFound(arch));
  for (const arch of byEntry) matching.set(arch.id, entryFor(arch, entriesForRoot));
  await assertEntriesProved(byEntry);
  if (
    request.all &&
    found.length === 0 &&
    (isNamed || [...matching.values()].every((entry) => entry === null))
  )
    throw noneFound(request.sources);
  const isLost = (arch: Arch): boolean => lost.includes(arch) && !isNative(arch);
  const toReplace = found.length === 0 ? [] : lost.filter((arch) => isLost(arch) && !isFound(arch));
  const own = [...found, ...(await replaceLost(toReplace, { ...request, needed }, kernel, context))];
  const emulated = own.map(
    ({ arch, rule, version }): EmulatedArch => ({
      arch,
      by: 'private',
      entry: rule.name,
      emulator: rule.interpreter,
      version,
    }),
  );
  const served = targets
    .filter((arch) => isServed(arch) && (own.length === 0 || !isLost(arch)))
    .map((arch) => emulatedArch(arch, matching.get(arch.id) ?? null));
  const arches = [...served, ...emulated];
  requireAll(needed, arches);
  // The emulators that the user names do not apply to other formats.
  const entryOfOther = (index: number): Entry | null =>
    firstMatch(
      own.length === 0 ? entriesForRoot : entriesForRoot.filter(isCopyable),
      heads[index] ?? new Uint8Array(),
      request.path ?? '',
    );
  const losses = own.length === 0 ? [] : describeLost(entries, own, context.catalogue);
  // Without this warning, programs of lost entries would fail without an explanation.
  for (const text of request.withReport ? [] : losses) context.report({ kind: 'warning', text });
  return {
    arches,
    programs: known.map((arch, index) => {
      if (arch !== null) return arches.find((each) => each.arch === arch.id)?.by ?? null;
      return entryOfOther(index) === null ? null : 'entry';
    }),
    formats: known.flatMap((arch, index) => {
      const entry = arch === null ? entryOfOther(index) : null;
      if (entry === null) return [];
      return [{ format: null, by: 'entry', entry: entry.name, emulator: entry.interpreter } as const];
    }),
    rules:
      own.length === 0
        ? null
        : withEntries(
            own.map(({ rule }) => rule),
            entries,
          ),
    warnings: [...own.flatMap(({ warnings }) => warnings), ...losses],
  };
}

interface ArchEntry {
  readonly arch: Arch;
  readonly entry: Entry | null;
}

/**
 * Probes the entries that have no valid proof.
 *
 * @throws NOT_PROVED for an entry that does not run the programs that it matches.
 */
async function assertProved(all: readonly ArchEntry[], root: string | null, context: Context): Promise<void> {
  const proofs = await readProofs(context);
  const unproved = all.flatMap(({ arch, entry }) => {
    // Without F, the interpreter is another file in each root.
    if (entry === null || (root !== null && !entry.flags.includes('F'))) return [];
    const proof = proofs.get(entryIdentity(context.binfmtDirectory, entry) ?? '');
    return proof === undefined || !holdsIn(proof, root) ? [{ arch, entry }] : [];
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
  const text = `entry ${name} matches ${id} programs, but its interpreter ${interpreter} does not run them`;
  return new BinfmtctlError('NOT_PROVED', `${text}: ${reasons.join('; ')}`, {
    hint: `use another emulator with --source or --emulator; as root, \`binfmtctl install ${id} --replace\` repairs the entry`,
  });
}

function emulatedArch({ id }: Arch, entry: Entry | null): EmulatedArch {
  const machine = { arch: id, by: 'machine', entry: null, emulator: null, version: null } as const;
  return entry === null
    ? machine
    : { ...machine, by: 'entry', entry: entry.name, emulator: entry.interpreter };
}

function requireAll(required: readonly Arch[], served: readonly { readonly arch: string }[]): void {
  const missing = required.find(({ id }) => !served.some(({ arch }) => arch === id));
  if (missing === undefined) return;
  throw new BinfmtctlError('EMULATOR_NOT_FOUND', `no emulator for ${missing.id} was found`, {
    hint: 'pass an emulator with --source path:FILE, or a directory with --source dir:DIR',
  });
}
