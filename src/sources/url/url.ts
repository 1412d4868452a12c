import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { storedName } from '../../emulators/names.ts';
import { keep } from '../../emulators/store/writer.ts';
import type { Candidate } from '../../emulators/types.ts';
import { LIMITS } from '../../net/limits.ts';
import { withinTotalTime } from '../../net/speed.ts';
import { readParts } from '../../system/file/files.ts';
import { withArchiveName } from '../../system/file/integrity.ts';
import { makeTemporaryDirectory } from '../../system/temporary.ts';
import { type TakeOptions, takeFromArchives } from '../archives.ts';
import { takeFromBundle } from '../bundle.ts';
import { chooseTarget } from '../choose.ts';
import { treeRoles } from '../members.ts';
import { openArchive } from '../packages.ts';
import type { EmulatorTarget, FetchOptions, PullOptions, SourceFetcher } from '../types.ts';
import { downloadUrl } from './download.ts';
import { copyFile } from './file.ts';
import { fileNameOf, parseUrlSource, printAddress, printUrlSource, type UrlSource } from './name.ts';

/**
 * Fetches from `url:URL#sha256=HEX`: a program, a tar archive (plain, or compressed with gzip, xz or zstd), a Debian
 * package or a binfmtctl bundle, detected from its first bytes. Verifies the file before parsing it. The result lacks
 * emulators that the file does not contain.
 *
 * @throws BAD_SOURCE if the URL is invalid, or the sha256 is missing and `allowUnverified` is not set; SOURCE_FAILED;
 * BAD_PACKAGE for a wrong digest or an unsafe archive; NO_TOOL without xz; INTERRUPTED; errors of the store. Nothing is
 * stored then.
 */
export const fetchUrl: SourceFetcher = (value, targets, options) =>
  withinTotalTime(options, (timed) => pullUrl(value, targets, { ...timed, limits: LIMITS }));

/** Like `fetchUrl`, with explicit network limits. */
export async function pullUrl(
  value: string,
  targets: readonly EmulatorTarget[],
  options: PullOptions,
): Promise<readonly Candidate[]> {
  const source = parseUrlSource(value, { allowUnverified: options.allowUnverified === true });
  const { report } = options;
  const name = printAddress(source);
  const workDirectory = await makeTemporaryDirectory();
  try {
    return await withArchiveName(name, async () => {
      const file = join(workDirectory, 'file');
      report({ kind: 'text', text: `url: fetching ${name}` });
      const { path, sha256 } = source;
      const digest = await (path === null
        ? downloadUrl(source, file, options)
        : copyFile(path, sha256, file, options));
      if (sha256 === null)
        report({ kind: 'warning', text: `url: ${name} is not verified: its sha256 is ${hexOf(digest)}` });
      const found = await takeFrom(file, source, targets, { ...options, name, origin: 'url' });
      // A lock file must pin the fetched bytes, not a later version.
      const pinned = sha256 === null ? { source: printUrlSource(source, hexOf(digest)) } : {};
      return found.map((each) => ({ ...each, ...pinned }));
    });
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

async function takeFrom(
  file: string,
  source: UrlSource,
  targets: readonly EmulatorTarget[],
  options: TakeOptions,
): Promise<readonly Candidate[]> {
  const { name, signal } = options;
  const opened = await openArchive(file, name, signal);
  if (opened === 'program') return keepProgram(file, source, targets, options);
  if (opened !== 'bundle') return takeFromArchives([opened], treeRoles(targets), options);
  const found = await takeFromBundle({ path: file, name }, targets, options);
  return found.map((each) => ({ ...each, origin: 'url' }));
}

const hexOf = (digest: string): string => digest.replace('sha256:', '');

/** Stores a file that is the emulator itself. */
async function keepProgram(
  file: string,
  source: UrlSource,
  targets: readonly EmulatorTarget[],
  { store, signal }: FetchOptions,
): Promise<readonly Candidate[]> {
  const name = fileNameOf(source);
  const address = printAddress(source);
  const chosen = chooseTarget(name, address, targets, 'use an archive with several emulators');
  if (chosen === null) return [];
  const { guest, profile } = chosen;
  const { path } = await keep(store, storedName(profile, guest, name), readParts(file), { signal });
  return [{ path, from: address, emulator: profile.id, guest, origin: 'url' }];
}
