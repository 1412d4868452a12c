import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { group, info, warning } from '@actions/core';
import type { Arch } from '../../catalogue/types.ts';
import type { Context } from '../../context.ts';
import { BinfmtctlError, isBinfmtctlError } from '../../errors.ts';
import type { InstallResult } from '../../install/install.ts';
import { asRoot } from './as-root.ts';
import { restore, save } from './cache.ts';
import { cacheKey, isWorthCaching } from './cache-key.ts';
import type { Inputs } from './inputs.ts';

declare const BINFMTCTL_VERSION: string;

export interface Order {
  readonly inputs: Inputs;
  /** Those that need an emulator here; empty for all. */
  readonly arches: readonly Arch[];
  readonly host: Arch;
  readonly lock: { readonly file: string; readonly text: string } | null;
  /** Whether there is an entry for one of them. */
  readonly registered: boolean;
  /** Whether every entry `qemu-*` is to go first, whoever made it: docker/setup-qemu-action's `reset`. */
  readonly toRemove: boolean;
}

/**
 * Registers emulators as root. What has to be fetched is fetched before without root's rights, into one file, which is also what
 * the runner's cache keeps.
 */
export async function installOrder(order: Order, context: Context): Promise<InstallResult> {
  const { inputs, lock, registered, toRemove } = order;
  const { sources } = inputs;
  // What is to replace others has to be there before they go.
  const fetched = isWorthCaching(lock?.text ?? null, sources) || toRemove;
  const mayWork = registered && !toRemove && lock === null && sources.length === 0;
  return fetched && !mayWork ? installBundle(order, context) : installFrom(sources, order, context);
}

async function installBundle(order: Order, context: Context): Promise<InstallResult> {
  const key = await keyFor(order);
  // The folder for temporary files belongs to this user alone: what root is to read nobody else can replace.
  const folder = await mkdtemp(join(tmpdir(), 'binfmtctl-'));
  const [file, kept] = ['emulators.tar', 'cached.tar'].map((name) => join(folder, name)) as [string, string];
  try {
    const restored = order.inputs.cache ? await restore(kept, key) : 'off';
    const cached = restored === 'hit' ? await fromCache({ kept, key }, order, context) : null;
    if (cached !== null) return cached;
    // Root itself has no rights to spare, and without a cache nothing to keep.
    if (restored === 'off' && process.geteuid?.() === 0 && !order.toRemove)
      return await installFrom(order.inputs.sources, order, context);
    const { missing } = await makeBundle(file, order, { ...context, store: join(folder, 'store') });
    const result = await installFrom([`bundle:${file}`], order, context);
    if (restored === 'miss') await save(file, key);
    return { ...result, missing };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is in a cache may be anybody's: without a lock file nothing but the digests in the bundle tells. */
async function fromCache(
  { kept, key }: { readonly kept: string; readonly key: string },
  order: Order,
  context: Context,
): Promise<InstallResult | null> {
  try {
    info(`emulators are in the runner's cache: ${key}`);
    return await installFrom([`bundle:${kept}`], order, context);
  } catch (error) {
    if (!isBinfmtctlError(error) || !OF_THE_BUNDLE.includes(error.code)) throw error;
    warning(
      `the emulators in the runner's cache cannot be used, and are fetched anew: ${error.message}. Delete the cache ${key} of the repository`,
    );
    return null;
  }
}

const OF_THE_BUNDLE: readonly string[] = [
  ...['BAD_PACKAGE', 'BAD_SOURCE', 'LOCK_MISMATCH', 'EMULATOR_UNFIT', 'EMULATOR_NOT_FOUND', 'NOT_PROVED'],
];

async function makeBundle(output: string, { arches, inputs, lock }: Order, context: Context) {
  const { bundle } = await import('../parts/operations.ts');
  const { sources } = inputs;
  const all = arches.length === 0;
  const request = { output, arches, all, host: null, sources, locked: lock?.file, strict: false };
  return group('Fetch emulators', () => bundle(request, context));
}

async function installFrom(
  sources: readonly string[],
  { arches, inputs, lock, toRemove }: Order,
  { signal }: Context,
): Promise<InstallResult> {
  if (toRemove) await asRoot(['binfmt', '--uninstall', 'qemu-*'], signal);
  const words = [
    'install',
    ...(arches.length === 0 ? ['--all'] : arches.map(({ id }) => id)),
    // As docker/setup-qemu-action: without C sudo has no rights in an emulated container.
    '--credentials=new',
    ...sources.flatMap((source) => ['--source', source]),
    ...(lock === null ? [] : [`--locked=${lock.file}`]),
    ...(inputs.verify ? [] : ['--no-verify']),
    ...(inputs.persist ? ['--persist'] : []),
    '--json',
  ];
  try {
    return (await group('Install emulators', () => asRoot(words, signal))) as InstallResult;
  } catch (error) {
    if (!isBinfmtctlError(error) || error.code !== 'ENTRY_NOT_OURS') throw error;
    throw new BinfmtctlError('ENTRY_NOT_OURS', error.message, {
      hint: '`reset: true` removes every qemu-* entry first',
      cause: error,
    });
  }
}

async function keyFor({ arches, inputs, host, lock }: Order): Promise<string> {
  return cacheKey({
    version: BINFMTCTL_VERSION,
    host: host.id,
    lock: lock?.text ?? null,
    arches: arches.map(({ id }) => id),
    sources: inputs.sources,
    distribution: await readFile('/etc/os-release', 'utf8').catch(() => ''),
    now: new Date(),
  });
}
