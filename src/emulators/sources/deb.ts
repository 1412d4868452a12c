import { basename, posix } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { BinfmtctlError } from '../../errors.ts';
import { start } from '../../system/process.ts';
import { requireTool } from '../../system/tools.ts';
import { layoutPaths } from '../finder.ts';
import { keep } from '../store.ts';
import type { Candidate } from '../types.ts';
import type { FetchOptions, Want } from './types.ts';

/** Bounds for one package: QEMU's has 40 files of 400 MB in all. */
const MAX_ENTRIES = 100_000;
const MAX_BYTES = 4 * 1024 ** 3;

/**
 * Takes the wanted emulators out of a Debian package and into the store. The package is read once and no further than
 * to the last of them; nothing else of it is written anywhere, and no name in it is used as a path.
 *
 * @throws BAD_PACKAGE for one that is truncated, corrupt or absurdly large; NO_TOOL without dpkg-deb.
 */
export async function takeFromPackage(
  file: string,
  wants: readonly Want[],
  { store, signal }: FetchOptions,
): Promise<readonly Candidate[]> {
  requireTool('dpkg-deb', 'dpkg');
  const wanted = new Map(
    wants.flatMap(({ guest, profiles }) =>
      profiles.flatMap((profile) => layoutPaths(profile, guest).map((path) => [path, { guest, emulator: profile.id }] as const)),
    ),
  );
  const found = new Map<string, Candidate>();
  const dpkg = await start('dpkg-deb', ['--fsys-tarfile', file], { signal });
  const archive = extract();
  dpkg.stdout.on('error', (cause) => archive.destroy(cause)).pipe(archive);
  const bounds = { entries: 0, bytes: 0 };
  try {
    for await (const entry of archive) {
      const { name, type = 'file', size = 0 } = entry.header;
      requireBounded(file, bounds, size);
      const target = type === 'file' ? wanted.get(posix.resolve('/', name)) : undefined;
      if (target === undefined || found.has(target.guest)) {
        entry.resume();
        continue;
      }
      const stored = await keep(store, basename(name), entry.pipe(new PassThrough()) as Readable);
      found.set(target.guest, { path: stored.path, ...target, origin: 'apt' });
      if (found.size === wants.length) return [...found.values()];
    }
  } catch (cause) {
    if (cause instanceof BinfmtctlError) throw cause;
    throw corrupt(file, cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    dpkg.kill();
    archive.destroy();
  }
  const { exitCode, stderr } = await dpkg.ended;
  if (exitCode !== 0 && found.size < wants.length && exitCode !== null) throw corrupt(file, stderr.trim() || `dpkg-deb ended with ${exitCode}`);
  return [...found.values()];
}

function requireBounded(file: string, bounds: { entries: number; bytes: number }, size: number): void {
  bounds.entries += 1;
  bounds.bytes += size;
  if (bounds.entries > MAX_ENTRIES || bounds.bytes > MAX_BYTES) {
    throw corrupt(file, `more than ${MAX_ENTRIES} entries or ${MAX_BYTES} bytes`);
  }
}

function corrupt(file: string, why: string, cause?: unknown): BinfmtctlError {
  return new BinfmtctlError('BAD_PACKAGE', `package ${basename(file)} cannot be read: ${why}`, {
    hint: 'fetch it again; if it stays so do not trust where it came from',
    cause,
  });
}
