import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { BinfmtctlError } from '../../errors.ts';
import { start } from '../../system/process.ts';
import { requireTool } from '../../system/tools.ts';
import { type StoreWriter, writeStore } from '../store-writer.ts';
import type { Candidate } from '../types.ts';
import { BAD_PACKAGE_HINT, checkEntry, linkTarget } from './tar-entry.ts';
import type { FetchOptions, Want } from './types.ts';
import { addWanted, type Role, type Wanted, wantedPaths } from './wanted.ts';

/** Bounds for one package: QEMU's has 40 files of 400 MB in all. */
const MAX_ENTRIES = 100_000;
const MAX_BYTES = 4 * 1024 ** 3;
/** A link may name a file that came before it, which then is found by reading once more. */
const MAX_PASSES = 4;

/**
 * Takes the wanted emulators out of a Debian package and into the store. The package is read no further than to the last
 * of them; nothing else of it is written anywhere, and no name in it is used as a path. What it has not is left out.
 *
 * @throws BAD_PACKAGE for one that is truncated, corrupt, absurdly large, or has names, links or devices that no package
 * needs, and then nothing is stored; NO_TOOL without dpkg-deb; INTERRUPTED; what the store throws.
 */
export async function takeFromPackage(
  file: string,
  wants: readonly Want[],
  { store, signal }: FetchOptions,
): Promise<readonly Candidate[]> {
  requireTool('dpkg-deb', 'dpkg');
  return writeStore(
    store,
    async (writer) => {
      const found = new Map<string, Candidate>();
      let wanted = wantedPaths(wants);
      for (let pass = 0; pass < MAX_PASSES && wanted.size > 0; pass++) {
        wanted = await readOnce(file, wanted, wants.length, found, writer, signal);
      }
      return [...found.values()];
    },
    { signal },
  );
}

/** Reads the archive until all is found. Returns what links that were met name, where that has not been found. */
async function readOnce(
  file: string,
  wanted: Wanted,
  count: number,
  found: Map<string, Candidate>,
  writer: StoreWriter,
  signal: AbortSignal,
): Promise<Wanted> {
  const { extract } = await import('tar-stream');
  const dpkg = await start('dpkg-deb', ['--fsys-tarfile', file], { signal });
  let complaint = '';
  dpkg.stderr.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  const archive = extract();
  const piped = pipeline(bounded(dpkg.stdout), archive).catch(() => {});
  const linked: Wanted = new Map();
  const open = (roles: readonly Role[] = []): Role[] => roles.filter(({ guest }) => !found.has(guest));
  let entries = 0;
  try {
    for await (const entry of archive) {
      if (++entries > MAX_ENTRIES) throw bad(`it has more than ${MAX_ENTRIES} entries`);
      const path = checkEntry(entry.header);
      const roles = open([...(wanted.get(path) ?? []), ...(linked.get(path) ?? [])]);
      if (roles.length > 0) {
        const bytes = entry as AsyncIterable<Uint8Array>;
        await take(entry.header, bytes, path, roles, linked, found, writer);
      }
      if (found.size === count) return new Map();
      entry.resume();
    }
    const { exitCode } = await dpkg.ended;
    if (exitCode !== 0) throw bad(complaint.trim() || `dpkg-deb ended with status ${exitCode}`);
    return new Map(
      [...linked]
        .map(([path, roles]) => [path, open(roles)] as const)
        .filter(([, roles]) => roles.length > 0),
    );
  } catch (cause) {
    if (signal.aborted)
      throw new BinfmtctlError('INTERRUPTED', 'interrupted while unpacking', { cause: signal.reason });
    if (cause instanceof BinfmtctlError && cause.code !== 'BAD_PACKAGE') throw cause;
    const { exitCode, timedOut } = await Promise.race([dpkg.ended, { exitCode: null, timedOut: false }]);
    const why =
      (exitCode === 0 || timedOut ? '' : complaint.trim()) ||
      (cause instanceof Error ? cause.message : String(cause));
    throw bad(`package ${posix.basename(file)}: ${why}`, cause);
  } finally {
    dpkg.kill();
    archive.destroy();
    await Promise.all([piped, dpkg.ended]);
  }
}

/** An entry at a wanted place: an emulator, or a link whose target then is wanted in its stead. */
async function take(
  header: Header,
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  roles: readonly Role[],
  linked: Wanted,
  found: Map<string, Candidate>,
  writer: StoreWriter,
): Promise<void> {
  const target = linkTarget(header, path);
  if (target !== null) {
    for (const role of roles) addWanted(linked, target, role);
    return;
  }
  const [{ name } = { name: posix.basename(path) }] = roles;
  const stored = await writer.put(name, bytes);
  for (const { guest, emulator } of roles)
    found.set(guest, { path: stored.path, emulator, guest, origin: 'apt' });
}

async function* bounded(stream: Readable): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > MAX_BYTES) throw bad(`it has more than ${MAX_BYTES} bytes`);
    yield chunk;
  }
}

function bad(why: string, cause?: unknown): BinfmtctlError {
  return new BinfmtctlError('BAD_PACKAGE', why, { hint: BAD_PACKAGE_HINT, cause });
}
