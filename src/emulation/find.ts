import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { firstMatch, matches } from '../rule/match.ts';
import type { Entry } from '../rule/types.ts';
import { tryReadHead } from '../system/file/head.ts';
import { REMOVED_DIRECTORY, workingDirectory } from '../system/host.ts';
import { fileSystemMagic } from '../system/namespace/mounts.ts';
import { isCopyable, isReplaced, withEntries, worksInRoot } from './lost-entries.ts';
import { type OwnRule, readRunCache } from './run-cache.ts';
import type { Emulation, EmulationRequest, EmulationSearch, RunBy } from './types.ts';

/** statfs(2). */
export const BINFMT_MISC_MAGIC = 0x42494e4d;

/**
 * Finds out how programs with these first bytes, and programs of the requested architectures, run in `root`, or on the host if it
 * is null: natively, through existing entries, or with emulators, found or fetched, in a private instance. A private instance
 * hides the existing entries (fs/binfmt_misc.c current_binfmt_misc()), so it includes copies of them where possible.
 *
 * @throws EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED and other errors of `obtainEmulators`; UNSAFE_RULE; NOT_PROVED for an
 * entry that matches the programs but does not run them.
 */
export async function findEmulation(
  heads: readonly Uint8Array[],
  request: EmulationRequest,
  root: string | null,
  context: Context,
): Promise<Emulation> {
  const entries = await servingEntries(context);
  const search = { heads, request, root, entries };
  const known = request.withReport ? null : await findCachedEmulation(search, context);
  if (known !== null) return known;
  requireWorkingDirectory();
  const { findUncachedEmulation } = await import('./on-demand.ts');
  return findUncachedEmulation(search, context);
}

/** No program can be started in a removed directory. */
function requireWorkingDirectory(): void {
  if (workingDirectory() !== REMOVED_DIRECTORY) return;
  throw new BinfmtctlError(
    'FILE_FAILED',
    'cannot search for emulators: the current directory has been removed',
    {
      hint: 'change to another directory with `cd`',
    },
  );
}

/** The result without a search; null if a search is needed. Keeps repeated runs of a program fast. */
async function findCachedEmulation(
  { heads, request, root, entries }: EmulationSearch,
  context: Context,
): Promise<Emulation | null> {
  const { arches, all, sources, emulator, path = '' } = request;
  if (sources.length > 0 || emulator !== undefined || all || arches.length > 0) return null;
  const own = tryReadHead(process.execPath, HEADER_SIZE);
  if (own === null) return null;
  const runners = heads.map((head) => {
    const entry = firstMatch(entries, head, path);
    if (entry !== null && worksInRoot(entry, root)) return entry;
    return isSameArch(head, own) ? 'machine' : null;
  });
  const serving = runners.filter((runner) => runner !== null && runner !== 'machine');
  if (serving.length > 0 && !(await areProved(serving, root, context))) return null;
  const isPrivate = runners.includes(null);
  const used = new Set<OwnRule>();
  // In a root, only emulators with F are known to need no file of the root.
  const cachedRules = isPrivate
    ? readRunCache(context).rules.filter(({ rule }) => root === null || rule.flags.includes('F'))
    : [];
  const programs = runners.map((runner, index): RunBy | null => {
    if (runner === 'machine') return runner;
    if (runner !== null && (!isPrivate || isCopyable(runner))) return 'entry';
    const cached = cachedRules.find(({ rule }) => matches(rule.pattern, heads[index] ?? own, ''));
    if (cached === undefined) return null;
    used.add(cached);
    return 'private';
  });
  if (programs.includes(null)) return null;
  // Child processes may need the entries that the private instance loses.
  for (const entry of used.size === 0 ? [] : entries.filter((each) => !isCopyable(each))) {
    const cached = cachedRules.find(({ rule }) => isReplaced(entry, [rule]));
    if (cached === undefined) return null;
    used.add(cached);
  }
  const rules = [...used].map(({ rule }) => rule);
  // Cached rules were checked when they were found. Checking again that none matches native programs is cheap.
  if (rules.some(({ pattern }) => matches(pattern, own, ''))) return null;
  return {
    programs,
    arches: [],
    formats: [],
    rules: rules.length === 0 ? null : withEntries(rules, entries),
    warnings: [],
  };
}

/** Whether each of the entries has a valid proof that shows no failure. */
async function areProved(entries: readonly Entry[], root: string | null, context: Context): Promise<boolean> {
  const [{ holdsIn, readProofs }, { entryIdentity }] = await Promise.all([
    import('../verify/proofs.ts'),
    import('../binfmt/entry-identity.ts'),
  ]);
  const proofs = await readProofs(context);
  return entries.every((entry) => {
    const proof = proofs.get(entryIdentity(context.binfmtDirectory, entry) ?? '');
    return proof !== undefined && holdsIn(proof, root);
  });
}

/** The enabled entries of the current instance, newest first; empty without an instance. */
async function servingEntries({ binfmtDirectory }: Context): Promise<readonly Entry[]> {
  if (fileSystemMagic(binfmtDirectory) !== BINFMT_MISC_MAGIC) return [];
  const [{ readEntries }, { inspectInstance }] = await Promise.all([
    import('../binfmt/entries.ts'),
    import('../binfmt/instance/instance.ts'),
  ]);
  if (inspectInstance(binfmtDirectory).enabled === false) return [];
  return readEntries(binfmtDirectory).entries.filter((entry) => entry.enabled);
}

/** Length of an ELF header up to e_machine. */
const HEADER_SIZE = 20;
/** Offsets in an ELF header of magic, class, byte order and machine, which distinguish native from foreign architectures. */
const DISTINGUISHING_BYTES = [0, 1, 2, 3, 4, 5, 18, 19];

const isSameArch = (head: Uint8Array, own: Uint8Array): boolean =>
  DISTINGUISHING_BYTES.every((index) => head[index] === own[index]);
