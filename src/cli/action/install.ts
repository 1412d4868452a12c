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
  /** The architectures that need an emulator here; empty for all. */
  readonly arches: readonly Arch[];
  readonly host: Arch;
  readonly lock: { readonly file: string; readonly text: string } | null;
  /** Whether there is an entry for one of them. */
  readonly registered: boolean;
  /** Whether to remove every entry `qemu-*` first, as `reset` of docker/setup-qemu-action does. */
  readonly toRemove: boolean;
}

/**
 * Registers emulators as root. Fetches them before that without root, into one file, which the runner's cache keeps as well.
 */
export async function installOrder(order: Order, context: Context): Promise<InstallResult> {
  const { inputs, lock, registered, toRemove } = order;
  const { sources } = inputs;
  // Fetch the new emulators before the old entries are removed.
  const fetched = isWorthCaching(lock?.text ?? null, sources) || toRemove;
  const mayWork = registered && !toRemove && lock === null && sources.length === 0;
  return fetched && !mayWork ? installBundle(order, context) : installFrom(sources, order, context);
}

async function installBundle(order: Order, context: Context): Promise<InstallResult> {
  const key = await keyFor(order);
  // Only this user can change the directory, so no other user can replace the file that root reads.
  const folder = await mkdtemp(join(tmpdir(), 'binfmtctl-'));
  const [file, kept] = ['emulators.tar', 'cached.tar'].map((name) => join(folder, name)) as [string, string];
  try {
    const restored = order.inputs.cache ? await restore(kept, key) : 'off';
    const cached = restored === 'hit' ? await fromCache({ kept, key }, order, context) : null;
    if (cached !== null) return cached;
    // As root there are no rights to drop, and without a cache there is nothing to save.
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

/** A cache may be poisoned. Without a lock file, only the digests in the bundle protect against that. */
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
      `the emulators in the runner's cache cannot be used and are fetched again: ${error.message}. Delete the cache ${key} of the repository`,
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
    // As docker/setup-qemu-action: without flag C, sudo does not work in an emulated container.
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
