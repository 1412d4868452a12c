// Updates the lock file of a release, and creates bundles of its emulators.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
/** Pinned by digest, with images for all platforms. */
const DEFAULT_SOURCE = 'oci';

/** Updates the entries of the platforms from the sources. Entries of other platforms stay unchanged. */
export async function updateLock(file, platforms, sources, work) {
  const { decodeLockFile, encodeLockFile } = createRequire(import.meta.url)(
    join(ROOT, 'dist/operations.cjs'),
  );
  const before = existsSync(file)
    ? await decodeLockFile(readFileSync(file, 'utf8'))
    : { lock: { hosts: {} } };
  if (before.lock === undefined)
    throw new Error(`${file}: ${before.problems.map(({ message }) => message).join('; ')}`);
  const hosts = { ...before.lock.hosts };
  for (const platform of platforms) {
    const source = sourceFor(platform, sources);
    const { host, emulators } = bundle(join(work, 'unlocked.tar'), platform, ['--source', source], work);
    hosts[host] = Object.fromEntries(
      emulators.map(({ guest, file: _, ...rest }) => [guest, { ...rest, source }]),
    );
  }
  writeFileSync(file, await encodeLockFile({ hosts }));
}

/** Creates a bundle of all emulators that the lock file pins for the platform. */
export function bundleLocked(file, lock, platform, work) {
  return bundle(file, platform, [`--locked=${lock}`], work);
}

function bundle(file, platform, from, work) {
  const words = [
    'bundle',
    '--all',
    '--host',
    platform,
    ...from,
    '-o',
    file,
    '--store',
    join(work, 'store'),
    '--json',
  ];
  const text = execFileSync(process.execPath, [join(ROOT, 'dist/cli.cjs'), ...words, '--quiet'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  return JSON.parse(text);
}

/** `linux/arm64=SPEC` applies to that platform only, `SPEC` to all others. */
function sourceFor(platform, sources) {
  const own = sources.find((each) => each.startsWith(`${platform}=`));
  if (own !== undefined) return own.slice(platform.length + 1);
  return sources.find((each) => !/^linux\/[\w/]+=/.test(each)) ?? DEFAULT_SOURCE;
}
