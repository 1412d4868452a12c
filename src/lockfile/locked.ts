import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { listStored } from '../emulators/store/store.ts';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError } from '../errors.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import { type Obtained, obtainEmulators } from '../obtain/obtain.ts';
import { defaultSources } from '../obtain/sources.ts';
import type { EmulatorRequest, KernelState } from '../obtain/types.ts';
import { maskSecrets } from '../text/secrets.ts';
import { readLock } from './file.ts';
import { groupBySource, lockedFor, requireGuests, requireLocked } from './plan.ts';

export interface LockableRequest extends EmulatorRequest {
  /** The lock file to write. */
  readonly lock?: string | undefined;
  /** The lock file that determines the emulators. */
  readonly locked?: string | undefined;
}

/**
 * Like `obtainEmulators`. With `lock`, only uses sources, because other machines do not have this machine's emulators.
 * With `locked`, obtains exactly the emulators in that file, from the store, a given bundle, or their sources; `all`
 * means all in the file.
 *
 * @throws LOCK_MISMATCH if an emulator differs from the locked one, or the file has none for an arch; BAD_LOCK.
 */
export async function obtainAsLocked(
  arches: readonly Arch[],
  kernel: KernelState,
  request: LockableRequest,
  context: Context,
): Promise<Obtained> {
  const { locked, lock, sources } = request;
  if (locked !== undefined) return obtainLocked(arches, kernel, { ...request, locked }, context);
  const lockable = lock === undefined || sources.length > 0 ? sources : defaultSources(context);
  return obtainEmulators(arches, kernel, { ...request, sources: lockable }, context);
}

/** @throws USAGE if `locked` is combined with other options that select emulators. Bundles are allowed. */
export function assertNoOtherSources({
  lock,
  locked,
  sources,
  emulator,
}: Omit<LockableRequest, 'dryRun' | 'all'>): void {
  if (locked === undefined) return;
  const others: readonly (readonly [string, boolean])[] = [
    ['--lock', lock !== undefined],
    ['--source', sources.some((source) => !source.startsWith('bundle:'))],
    ['--emulator', emulator !== undefined],
  ];
  const other = others.find(([, given]) => given)?.[0];
  if (other === undefined) return;
  throw new BinfmtctlError('USAGE', `--locked and ${other} are mutually exclusive`, {
    hint: 'with --locked, the lock file determines emulators and sources; change it with `binfmtctl lock --update`',
  });
}

async function obtainLocked(
  arches: readonly Arch[],
  kernel: KernelState,
  request: LockableRequest & { readonly locked: string },
  context: Context,
): Promise<Obtained> {
  const { locked: file, all } = request;
  const ids = all ? [] : arches.map(({ id }) => id);
  const part = lockedFor((await readLock(file, ids)).lock, kernel.natives.host.id, file, ids);
  const selected = all ? arches.filter(({ id }) => Object.hasOwn(part, id)) : arches;
  const guests = selected.map(({ id }) => id);
  requireGuests(part, guests, file);
  const stored = await listStored(context.store);
  const found: FoundEmulator[] = [];
  const toFetch: string[] = [];
  for (const { source = '', emulator = '', guests: group } of groupBySource(part, guests)) {
    const candidates = group.flatMap((guest): Candidate[] =>
      stored
        .filter(({ sha256 }) => sha256 === part[guest]?.sha256)
        .map(({ path }) => ({ path, emulator, guest, origin: 'store' })),
    );
    const members = selected.filter(({ id }) => group.includes(id));
    const sources = request.sources.length > 0 ? request.sources : [source];
    const narrowed = { ...request, all: false, sources, emulator, candidates, expected: part };
    const obtained = await obtainEmulators(members, kernel, narrowed, context).catch((error: unknown) => {
      throw request.sources.length > 0 ? error : sourceError(error, file, source);
    });
    for (const each of obtained.found) {
      const locked = part[each.arch.id];
      if (locked === undefined) continue;
      const emulator = { ...each.emulator };
      // Emulators for other hosts cannot print their version, but the same bytes have the same version.
      if (request.forOtherHost) emulator.version ??= locked.version;
      requireLocked(each.arch.id, emulator, locked, file);
      found.push({ ...each, emulator });
    }
    toFetch.push(...obtained.toFetch);
  }
  const unknown = all
    ? Object.keys(part).filter((guest) => !Object.hasOwn(context.catalogue.arches, guest))
    : [];
  return {
    found: selected.flatMap(({ id }) => found.find(({ arch }) => arch.id === id) ?? []),
    missing: unknown.map((arch) => ({ arch, why: `in ${file}, but not in the catalogue` })),
    toFetch,
  };
}

/** Attributes errors to the lock file, since the user did not type its source. */
function sourceError(error: unknown, file: string, source: string): unknown {
  if (!(error instanceof BinfmtctlError)) return error;
  const { code, message } = error;
  if (code !== 'BAD_SOURCE' && code !== 'EMULATOR_NOT_FOUND') return error;
  return new BinfmtctlError(code, `source ${JSON.stringify(maskSecrets(source))} in ${file}: ${message}`, {
    hint: 'use another source with `binfmtctl lock --update --source SPEC`, or restore the lock file from version control',
    cause: error,
  });
}
