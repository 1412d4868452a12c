import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { storedName } from '../emulators/names.ts';
import { listStored } from '../emulators/store/store.ts';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { type BundledEmulator, MANIFEST } from '../file-format/bundle.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import { type Missing, noneFound } from '../obtain/missing.ts';
import { findNatives } from '../safety/natives.ts';
import { packBundle } from '../sources/bundle-writer.ts';
import { withStoreLock } from '../state/lock.ts';
import { pruneUnregistered } from '../store/prune-unregistered.ts';
import { fileError } from '../system/file/file-error.ts';
import { tryReadHead } from '../system/file/head.ts';
import { isFolder } from '../system/file/is-file.ts';
import { outputKind, writeOutput } from '../system/file/output-file.ts';
import { assertNoOtherSources, type LockableRequest, obtainAsLocked } from './locked.ts';

export interface BundleRequest {
  /** The output file; devices and pipes are written to instead of replaced. */
  readonly output: string;
  /** Replaces an existing file that is not a bundle. */
  readonly force?: boolean | undefined;
  /** Empty with `all`. */
  readonly arches: readonly Arch[];
  /** Every arch of the catalogue for which an emulator is found. */
  readonly all: boolean;
  /** The arch that the emulators run on; null for this machine's. */
  readonly host: Arch | null;
  /** Sources in order; if empty, this machine and then the default sources. */
  readonly sources: readonly string[];
  /** Accepts url: without sha256. */
  readonly allowUnverified?: boolean | undefined;
  readonly emulator?: string | undefined;
  /** The lock file that determines the emulators. */
  readonly locked?: string | undefined;
  /** Rejects versions with known problems. */
  readonly strict: boolean;
}

/** Result of `bundle`. */
export interface BundleResult {
  readonly schema: 'binfmtctl/bundled/1';
  readonly file: string;
  /** Of the whole file, in lower-case hex. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly host: string;
  readonly emulators: readonly BundledEmulator[];
  /** True if each emulator ran a probe of its arch; false for other hosts, whose emulators cannot run here. */
  readonly proved: boolean;
  /** With `all`: arches without an emulator, and why. */
  readonly missing: readonly Missing[];
}

/**
 * Writes emulators into a bundle, for machines without network. The same emulators give the same bytes. Registers
 * nothing and leaves nothing in the store.
 *
 * @throws USAGE, NATIVE_ARCH, BAD_SOURCE, BAD_LOCK, LOCK_MISMATCH, EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED;
 * errors of files, network and processes. No file is written then.
 */
export async function bundle(request: BundleRequest, context: Context): Promise<BundleResult> {
  assertNoOtherSources(request);
  const natives = await findNatives(context);
  const host = request.host ?? natives.host;
  const forOtherHost = host.id !== natives.host.id;
  validateRequest(request, host, { forOtherHost });
  await requireWritable(request);
  const others = Object.values(context.catalogue.arches).filter(({ id }) => id !== host.id);
  const arches = request.all ? others : request.arches;
  return withStoreLock(context, async () => {
    const stored = await listStored(context.store);
    try {
      const kernel = { entries: [], natives: { ...natives, host } };
      const emulatorRequest: LockableRequest = { ...request, forOtherHost, prove: true, dryRun: false };
      const { found, missing } = await obtainAsLocked(arches, kernel, emulatorRequest, context);
      if (found.length === 0) throw noneFound(request.sources, missing, request.host);
      const paths = new Map(found.map((each) => [each.arch.id, each.emulator.path]));
      const emulators = found.map(bundled).toSorted((a, b) => (a.guest < b.guest ? -1 : 1));
      const manifest = { host: host.id, emulators };
      const file = resolve(request.output);
      const parts = packBundle(manifest, ({ guest }) => paths.get(guest) ?? '');
      const written = await write(file, parts, context);
      return { schema: 'binfmtctl/bundled/1', file, ...written, ...manifest, proved: !forOtherHost, missing };
    } finally {
      await pruneUnregistered(context, stored).catch(() => {});
    }
  });
}

function validateRequest(
  { arches, sources, locked }: BundleRequest,
  host: Arch,
  { forOtherHost }: { readonly forOtherHost: boolean },
): void {
  if (arches.some(({ id }) => id === host.id))
    throw new BinfmtctlError('NATIVE_ARCH', `${host.id} runs natively on ${host.id} machines`, {
      hint: `remove ${host.id} from the list: it needs no emulator there`,
    });
  if (forOtherHost && sources.length === 0 && locked === undefined)
    throw new BinfmtctlError(
      'USAGE',
      `--host ${host.id} requires --source: the emulators of this machine are for another architecture`,
      {
        hint: `use --source dir:DIR with emulators built for ${host.id}`,
      },
    );
}

/** Fails before anything is fetched. */
async function requireWritable({ output, force = false }: BundleRequest): Promise<void> {
  if (output === '-')
    throw new BinfmtctlError('USAGE', 'cannot write a bundle to -', {
      hint: 'use a file, such as -o emulators.tar, or -o /dev/stdout for a pipe',
    });
  const file = resolve(output);
  const parent = dirname(file);
  if (!isFolder(parent) || outputKind(file) !== 'stream')
    await access(`${parent}/.`, constants.W_OK).catch((error: unknown) => {
      throw fileError(error, `write to ${parent}`);
    });
  if (outputKind(file) === 'stream') return;
  if (!force && !isReplaceable(file))
    throw new BinfmtctlError('FILE_FAILED', `${file} exists and is not a bundle`, {
      hint: 'use another name, or replace the file with --force',
    });
}

/** True if a file does not exist, is empty, or is a bundle. */
function isReplaceable(file: string): boolean {
  if (!existsSync(file)) return true;
  const head = tryReadHead(file, MANIFEST.length + 1);
  return head !== null && (head.length === 0 || Buffer.from(head).toString('latin1') === `${MANIFEST}\0`);
}

function bundled({ arch, profile, emulator }: FoundEmulator): BundledEmulator {
  const { version, sha256, size, path } = emulator;
  const name = basename(storedName(profile, arch.id, path));
  return { guest: arch.id, emulator: profile.id, version, sha256, size, file: `${arch.id}/${name}` };
}

async function write(
  file: string,
  parts: AsyncIterable<Uint8Array>,
  { signal }: Context,
): Promise<{ readonly sha256: string; readonly size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      if (signal.aborted) throw interrupted(signal, `writing ${file}`);
      hash.update(part);
      size += part.length;
      yield part;
    }
  }
  await writeOutput(file, counted(), { signal });
  return { sha256: hash.digest('hex'), size };
}
