import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from '../../emulators/types.ts';
import { BinfmtctlError, interrupted } from '../../errors.ts';
import { type HttpFailure, OFFLINE_HINT } from '../../net/error.ts';
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
 * Fetches from `apt[:RELEASE]`: the distribution's package, through the machine's sources, keys and pins. Lists and
 * archives are private and temporary: this needs neither root nor up-to-date lists, and leaves apt's state unchanged.
 *
 * @throws NO_TOOL without apt; BAD_SOURCE if RELEASE is invalid; SOURCE_FAILED; BAD_PACKAGE; INTERRUPTED; errors of the
 * store.
 */
export const fetchApt: SourceFetcher = async (release, targets, options) => {
  requireTool(
    'apt-get',
    'apt: this source requires Debian or a derivative; on other systems use oci, dir:DIR or path:FILE',
  );
  if (!/^[\w.+~-]*$/.test(release)) {
    throw new BinfmtctlError('BAD_SOURCE', `invalid release name ${JSON.stringify(release)}`, {
      hint: 'use a release name as in apt, such as apt:bookworm or apt:stable',
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
  // An update fails if one of the machine's sources is broken. The others may still have the package.
  const update = await apt.update();
  assertNotAborted(signal);
  const names = packageNames(targets);
  await reduceIndexes(apt.lists, names, signal);
  const specifications = release === '' ? names : names.map((name) => `${name}/${release}`);
  const shown = await apt.cache('show', '--no-all-versions', ...specifications);
  assertNotAborted(signal);
  const packages = choosePackages(targets, parseStanzas(new TextDecoder().decode(shown.stdout)));
  if (packages.length > 0) return packages;
  const broken = update.exitCode === 0 && aptComplaints(update.stderr).length === 0 ? shown : update;
  throw failed(`no package with an emulator (${names.join(', ')})`, broken, release);
}

/** Downloads packages in order until all emulators are found. */
async function takeFromAll(
  packages: readonly PackageStanza[],
  targets: readonly EmulatorTarget[],
  fetching: Fetching,
): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  for (const each of packages) {
    const remaining = targets.filter(({ guest }) => !found.some((candidate) => candidate.guest === guest));
    if (remaining.length === 0) break;
    const file = await download(each, fetching);
    fetching.report({
      kind: 'text',
      text: `extracting ${remaining.length === 1 ? remaining[0]?.guest : `${remaining.length} emulators`} from ${each.name}`,
    });
    const release = fetching.release || ((await releaseOf(fetching.apt.lists, each)) ?? undefined);
    const taken = await takeFromPackage(file, remaining, fetching);
    found.push(...taken.map((candidate) => ({ ...candidate, release })));
    await rm(file, { force: true });
  }
  return found;
}

/** apt verifies the download with the sha256 in the signed list. */
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
  assertNotAborted(signal);
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

function assertNotAborted(signal: AbortSignal): void {
  if (signal.aborted) throw interrupted(signal, 'fetching');
}

function failed(what: string, { stderr, errno }: RunResult, release: string): BinfmtctlError {
  const [why = errno ?? ''] = aptComplaints(stderr);
  if (UNREACHABLE.test(why)) return unreachable(why);
  const hint =
    release === ''
      ? "check the network and the machine's apt sources with `apt-get update`, or use --source path:FILE"
      : `check that the machine's apt sources include ${release}, or let apt choose with --source apt`;
  return new BinfmtctlError('SOURCE_FAILED', `apt: ${what}${why === '' ? '' : `: ${why}`}`, { hint });
}

/** apt's messages about unreachable servers (apt-pkg, methods/connect.cc). */
const UNREACHABLE =
  /Temporary failure resolving|Could not resolve|(?:Could not|Unable to) connect|[Cc]onnection timed out|unreachable/;

function unreachable(complaint: string): BinfmtctlError {
  const why = complaint.replace(/^Failed to fetch \S+\s+/, '');
  const cause: HttpFailure = { code: 'UNREACHABLE', host: 'apt', why };
  return new BinfmtctlError('SOURCE_FAILED', `apt: ${why}`, { hint: OFFLINE_HINT, cause });
}
