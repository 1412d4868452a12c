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
 * `bundle:FILE`: emulators out of a file that `binfmtctl bundle` made; what is wanted of it is copied into the store. It is
 * read whole, so that one that is damaged anywhere is refused. What it has not is left out.
 *
 * @throws BAD_SOURCE where FILE is none, no bundle, or for other machines; BAD_PACKAGE for one that is truncated, or has
 * another thing than its manifest says; EMULATOR_UNFIT where others can change it and it is not `verified`; INTERRUPTED; what the store throws. Then
 * nothing is stored.
 */
export const fetchBundle: SourceFetcher = async (file, targets, options) => {
  const path = resolve(file);
  await requireFile(path);
  if (options.verified !== true) await requireTrusted(path, { anyOwner: true, as: 'bundle' });
  return takeFromBundle({ path, name: path }, targets, options);
};

/** A bundle, and what it is called in messages. */
export interface BundleFile {
  readonly path: string;
  readonly name: string;
}

/** As `fetchBundle`, from a file that nobody else can change. */
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
  let open: readonly BundledEmulator[] = [];
  try {
    for await (const entry of archive) {
      const { header } = entry;
      if (manifest === null) {
        manifest = await readManifest(header, entry as Bytes);
        requireHost(name, manifest, host, targets);
        open = manifest.emulators;
        continue;
      }
      const [emulator, ...rest] = open;
      assertMatchesManifest(header, emulator);
      open = rest;
      const taken = await take(emulator, entry as Bytes, targets, writer);
      found.push(...taken.map((each) => ({ ...each, from: `${name} (${emulator.file})` })));
    }
    if (manifest === null) throw noBundle('it is empty');
    if (open[0] !== undefined) throw corrupt(`it ends before ${open[0].file}`);
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
    throw new BinfmtctlError('BAD_SOURCE', `${path} is no file`, {
      hint: 'bundle:FILE names a file that `binfmtctl bundle` made',
    });
}

async function readManifest({ name, type, size = 0 }: Header, bytes: Bytes): Promise<BundleManifest> {
  if (name !== MANIFEST || type !== 'file') throw noBundle(`its first entry is ${JSON.stringify(name)}`);
  if (size > MAX_MANIFEST_SIZE) throw corrupt(`its ${MANIFEST} has ${size} bytes`);
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
  throw new BinfmtctlError(
    'BAD_SOURCE',
    `bundle ${name} has emulators for ${manifest.host} machines, not for ${host} ones`,
    { hint: `make one for them: \`binfmtctl bundle -o FILE --host ${host} ${guests}\`` },
  );
}

/** Every entry is the next one that the manifest names, and as large as it says. */
function assertMatchesManifest(
  { name, type, size }: Header,
  emulator: BundledEmulator | undefined,
): asserts emulator is BundledEmulator {
  if (emulator === undefined || name !== emulator.file)
    throw corrupt(`it has ${JSON.stringify(name)} in a place that its manifest does not name`);
  if (type !== 'file') throw corrupt(`${name} is a ${type}`);
  if (size !== emulator.size)
    throw corrupt(`${name} has ${size} bytes, not ${emulator.size} as its manifest says`);
}

/** Copies an emulator that is wanted into the store; of one that is not, the bytes are verified alone. */
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
  if (actual !== sha256) throw corrupt(`${file} has sha256 ${actual}, not ${sha256} as its manifest says`);
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
    const { code, message, hint } = (atStart ? noBundle : corrupt)(tarProblem(cause));
    return new BinfmtctlError(code, `bundle ${name}: ${message}`, { hint, cause });
  }
  if (cause.code !== 'BAD_PACKAGE' && !cause.message.startsWith(NO_BUNDLE)) return cause;
  return new BinfmtctlError(cause.code, `bundle ${name}: ${cause.message}`, { hint: cause.hint, cause });
}

const NO_BUNDLE = 'it is no bundle of binfmtctl';

const noBundle = (why: string): BinfmtctlError =>
  new BinfmtctlError('BAD_SOURCE', `${NO_BUNDLE}: ${why}`, {
    hint: '`binfmtctl bundle -o FILE ARCH...` makes one; it is a plain tar file, not compressed',
  });
