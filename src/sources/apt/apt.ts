import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from '../../emulators/types.ts';
import { BinfmtctlError, interrupted } from '../../errors.ts';
import type { RunResult } from '../../system/process/process.ts';
import { requireTool } from '../../system/process/tools.ts';
import { makeTemporaryDirectory } from '../../system/temporary.ts';
import type { EmulatorTarget, FetchOptions, SourceFetcher } from '../types.ts';
import { takeFromPackage } from './deb.ts';
import { reduceIndexes, releaseOf } from './index-files.ts';
import { choosePackages, packageNames } from './packages.ts';
import { type PrivateApt, privateApt } from './private-apt.ts';
import { aptComplaints, type PackageStanza, parseStanzas } from './texts.ts';

const POLL_MS = 100;

/**
 * `apt[:RELEASE]`: the distribution's own package, through the machine's sources, keys and pins. Lists and archives are
 * private and temporary, so that neither root nor fresh lists are needed, and nothing of the machine's is changed.
 *
 * @throws NO_TOOL without apt; BAD_SOURCE for a RELEASE that can be none; SOURCE_FAILED; BAD_PACKAGE; INTERRUPTED; what
 * the store throws.
 */
export const fetchApt: SourceFetcher = async (release, targets, options) => {
  requireTool(
    'apt-get',
    'apt: this source is for Debian and its relatives; dir:DIR and path:FILE work everywhere',
  );
  if (!/^[\w.+~-]*$/.test(release)) {
    throw new BinfmtctlError('BAD_SOURCE', `${JSON.stringify(release)} is no name of a release`, {
      hint: 'name one as apt does: apt:bookworm, apt:stable',
    });
  }
  const workDirectory = await makeTemporaryDirectory();
  try {
    const fetching = { ...options, apt: await privateApt(workDirectory, release, options.signal), release };
    const packages = await findPackages(targets, fetching);
    return await takeFromAll(packages, targets, fetching);
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
};

interface Fetching extends FetchOptions {
  readonly apt: PrivateApt;
  readonly release: string;
}

async function findPackages(
  targets: readonly EmulatorTarget[],
  fetching: Fetching,
): Promise<readonly PackageStanza[]> {
  const { apt, release, report, signal } = fetching;
  report({ kind: 'text', text: 'apt: reading the package lists' });
  // One of the machine's sources may be out of order: what counts is whether the package was found in the others.
  const update = await apt.update();
  requireGoingOn(signal);
  const names = packageNames(targets);
  await reduceIndexes(apt.lists, names, signal);
  const specifications = release === '' ? names : names.map((name) => `${name}/${release}`);
  const shown = await apt.cache('show', '--no-all-versions', ...specifications);
  requireGoingOn(signal);
  const packages = choosePackages(targets, parseStanzas(new TextDecoder().decode(shown.stdout)));
  if (packages.length > 0) return packages;
  const broken = update.exitCode === 0 && aptComplaints(update.stderr).length === 0 ? shown : update;
  throw failed(`no package with an emulator (${names.join(', ')})`, broken, release);
}

/** Goes through the packages until all that is wanted was found. */
async function takeFromAll(
  packages: readonly PackageStanza[],
  targets: readonly EmulatorTarget[],
  fetching: Fetching,
): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  for (const each of packages) {
    const open = targets.filter(({ guest }) => !found.some((candidate) => candidate.guest === guest));
    if (open.length === 0) break;
    const file = await download(each, fetching);
    fetching.report({
      kind: 'text',
      text: `taking ${open.length === 1 ? open[0]?.guest : `${open.length} emulators`} out of ${each.name}`,
    });
    const release = fetching.release || ((await releaseOf(fetching.apt.lists, each)) ?? undefined);
    const taken = await takeFromPackage(file, open, fetching);
    found.push(...taken.map((candidate) => ({ ...candidate, release })));
    await rm(file, { force: true });
  }
  return found;
}

/** apt verifies what it has downloaded by the sha256 of the signed list. */
async function download({ name, version, size }: PackageStanza, fetching: Fetching): Promise<string> {
  const { apt, release, report, signal } = fetching;
  report({ kind: 'text', text: `apt: downloading ${name} ${version}` });
  const started = performance.now();
  const watch = setInterval(async () => {
    const done = Math.min(await bytesIn(apt.archives), size);
    const seconds = (performance.now() - started) / 1000;
    report({ kind: 'bytes', done, total: size, secondsLeft: done > 0 ? seconds * (size / done - 1) : null });
  }, POLL_MS);
  const result = await apt.download(`${name}=${version}`).finally(() => clearInterval(watch));
  requireGoingOn(signal);
  const file = (await readdir(apt.archives)).find(
    (each) => each.startsWith(`${name}_`) && each.endsWith('.deb'),
  );
  if (result.exitCode !== 0 || file === undefined)
    throw failed(`cannot download ${name} ${version}`, result, release);
  report({ kind: 'bytes', done: size, total: size, secondsLeft: 0 });
  return join(apt.archives, file);
}

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const packages = names.filter((name) => name.includes('.deb'));
  const sizes = await Promise.all(
    packages.map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...sizes);
}

function requireGoingOn(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted(signal, 'fetching');
}

function failed(what: string, { stderr, errno }: RunResult, release: string): BinfmtctlError {
  const [why = errno ?? ''] = aptComplaints(stderr);
  const hint =
    release === ''
      ? "check the network and the machine's apt sources (`apt-get update` shows more), or name a file with --source path:FILE"
      : `is ${release} among the machine's apt sources? Without a release apt chooses itself: --source apt`;
  return new BinfmtctlError('SOURCE_FAILED', `apt: ${what}${why === '' ? '' : `: ${why}`}`, { hint });
}
