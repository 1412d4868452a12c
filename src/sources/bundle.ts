import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { tarProblem } from '../archive/tar-entry.ts';
import { storedName } from '../emulators/names.ts';
import { type StoreWriter, writeStore } from '../emulators/store/writer.ts';
import type { Candidate } from '../emulators/types.ts';
import { BinfmtctlError, interrupted } from '../errors.ts';
import {
  type BundledEmulator,
  type BundleManifest,
  decodeManifest,
  MANIFEST,
  MAX_MANIFEST_SIZE,
} from '../file-format/bundle.ts';
import { errnoOf, fileError } from '../system/file/file-error.ts';
import { corrupt } from '../system/file/integrity.ts';
import { requireTrusted } from '../system/require-trusted.ts';
import type { EmulatorTarget, FetchOptions, SourceFetcher } from './types.ts';

/**
 * Fetches from `bundle:FILE`, a file that `binfmtctl bundle` created: copies the emulators into the store. Reads the
 * whole bundle, so that damage anywhere is detected. The result lacks emulators that the bundle does not contain.
 *
 * @throws BAD_SOURCE if FILE is not a file, not a bundle, or for other machines; BAD_PACKAGE if it is truncated or does
 * not match its manifest; EMULATOR_UNFIT if other users can change it and `verified` is not set; INTERRUPTED; errors of
 * the store. Nothing is stored then.
 */
export const fetchBundle: SourceFetcher = async (file, targets, options) => {
  const path = resolve(file);
  await requireFile(path);
  if (options.verified !== true) await requireTrusted(path, { anyOwner: true, as: 'bundle' });
  return takeFromBundle({ path, name: path }, targets, options);
};

/** A bundle and its name in messages. */
export interface BundleFile {
  readonly path: string;
  readonly name: string;
}

/** Like `fetchBundle`, for a file that is already private or trusted. */
export const takeFromBundle = (
  file: BundleFile,
  targets: readonly EmulatorTarget[],
  options: FetchOptions,
): Promise<readonly Candidate[]> =>
  writeStore(options.store, (writer) => readBundle(file, targets, options, writer), {
    signal: options.signal,
  });

type Bytes = AsyncIterable<Uint8Array>;

async function readBundle(
  { path, name }: BundleFile,
  targets: readonly EmulatorTarget[],
  { host, signal }: FetchOptions,
  writer: StoreWriter,
): Promise<readonly Candidate[]> {
  const { extract } = await import('tar-stream');
  const archive = extract();
  const piped = pipeline(createReadStream(path, { highWaterMark: 1 << 18 }), archive, { signal }).catch(
    () => {},
  );
  const found: Candidate[] = [];
  let manifest: BundleManifest | null = null;
  let remaining: readonly BundledEmulator[] = [];
  try {
    for await (const entry of archive) {
      const { header } = entry;
      if (manifest === null) {
        manifest = await readManifest(header, entry as Bytes);
        requireHost(name, manifest, host, targets);
        remaining = manifest.emulators;
        continue;
      }
      const [emulator, ...rest] = remaining;
      assertMatchesManifest(header, emulator);
      remaining = rest;
      const taken = await take(emulator, entry as Bytes, targets, writer);
      found.push(...taken.map((each) => ({ ...each, from: `${name} (${emulator.file})` })));
    }
    if (manifest === null) throw notBundle('empty file');
    if (remaining[0] !== undefined) throw corrupt(`truncated before ${remaining[0].file}`);
    return found;
  } catch (cause) {
    if (signal.aborted) throw interrupted(signal, `reading ${name}`);
    throw bundleError(name, cause, { atStart: manifest === null });
  } finally {
    archive.destroy();
    await piped;
  }
}

async function requireFile(path: string): Promise<void> {
  const isFile = await stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
  if (!isFile)
    throw new BinfmtctlError('BAD_SOURCE', `not a file: ${path}`, {
      hint: 'use bundle:FILE with a file from `binfmtctl bundle`',
    });
}

async function readManifest({ name, type, size = 0 }: Header, bytes: Bytes): Promise<BundleManifest> {
  if (name !== MANIFEST || type !== 'file') throw notBundle(`the first entry is ${JSON.stringify(name)}`);
  if (size > MAX_MANIFEST_SIZE) throw corrupt(`${MANIFEST} is too large: ${size} bytes`);
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  const decoded = decodeManifest(new TextDecoder().decode(Buffer.concat(parts)));
  if ('problem' in decoded) throw corrupt(decoded.problem);
  return decoded;
}

function requireHost(
  name: string,
  manifest: BundleManifest,
  host: string,
  targets: readonly EmulatorTarget[],
): void {
  if (manifest.host === host) return;
  const guests = targets.map(({ guest }) => guest).join(' ');
  throw new BinfmtctlError('BAD_SOURCE', `bundle ${name} is for ${manifest.host} machines, not for ${host}`, {
    hint: `create one with \`binfmtctl bundle -o FILE --host ${host} ${guests}\``,
  });
}

/** Entries must have the order and sizes of the manifest. */
function assertMatchesManifest(
  { name, type, size }: Header,
  emulator: BundledEmulator | undefined,
): asserts emulator is BundledEmulator {
  if (emulator === undefined || name !== emulator.file)
    throw corrupt(`unexpected entry ${JSON.stringify(name)}`);
  if (type !== 'file') throw corrupt(`${name} is a ${type}, not a file`);
  if (size !== emulator.size)
    throw corrupt(`${name} has ${size} bytes, not ${emulator.size} as in the manifest`);
}

/** Copies an emulator into the store if it is one of the targets. Verifies its digest in any case. */
async function take(
  { guest, emulator, sha256, file }: BundledEmulator,
  bytes: Bytes,
  targets: readonly EmulatorTarget[],
  writer: StoreWriter,
): Promise<readonly Candidate[]> {
  const target = targets.find((each) => each.guest === guest);
  const profile = target?.profiles.find(({ id }) => id === emulator);
  const stored = profile && (await writer.put(storedName(profile, guest, file), bytes));
  const actual = stored?.sha256 ?? (await hashOf(bytes));
  if (actual !== sha256) throw corrupt(`${file} has sha256 ${actual}, not ${sha256} as in the manifest`);
  if (stored === undefined) return [];
  return [{ path: stored.path, emulator, guest, origin: 'bundle' }];
}

async function hashOf(bytes: Bytes): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of bytes) hash.update(part);
  return hash.digest('hex');
}

function bundleError(name: string, cause: unknown, { atStart }: { readonly atStart: boolean }): unknown {
  if (!(cause instanceof BinfmtctlError)) {
    if (errnoOf(cause)?.match(/^E[A-Z]+$/)) return fileError(cause, `read the bundle ${name}`);
    const { code, message, hint } = (atStart ? notBundle : corrupt)(tarProblem(cause));
    return new BinfmtctlError(code, `bundle ${name}: ${message}`, { hint, cause });
  }
  if (cause.code !== 'BAD_PACKAGE' && !cause.message.startsWith(NOT_BUNDLE)) return cause;
  return new BinfmtctlError(cause.code, `bundle ${name}: ${cause.message}`, { hint: cause.hint, cause });
}

const NOT_BUNDLE = 'not a binfmtctl bundle';

const notBundle = (why: string): BinfmtctlError =>
  new BinfmtctlError('BAD_SOURCE', `${NOT_BUNDLE}: ${why}`, {
    hint: 'create one with `binfmtctl bundle -o FILE ARCH...`; bundles are uncompressed tar files',
  });
