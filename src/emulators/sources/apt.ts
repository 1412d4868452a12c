import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BinfmtctlError } from '../../errors.ts';
import { aptErrors, type PackageStanza, parseStanzas } from '../../formats/apt.ts';
import { type RunResult, run } from '../../system/process.ts';
import { requireTool } from '../../system/tools.ts';
import type { Candidate } from '../types.ts';
import { takeFromPackage } from './deb.ts';
import type { FetchOptions, Source, Want } from './types.ts';

/** A package that only links to another one is a few kB; one with emulators has many MB. */
const LEAST_PACKAGE_SIZE = 1_000_000;
const POLL_MS = 200;

/**
 * `apt[:RELEASE]`: the distribution's own package, through the machine's sources and keys. Lists and archives are
 * private and temporary, so that neither root nor fresh lists are needed, and nothing of the machine's is changed.
 *
 * @throws NO_TOOL without apt; SOURCE_FAILED; BAD_PACKAGE.
 */
export const fetchApt: Source = async (release, wants, options) => {
  requireTool('apt-get', 'apt: this source is for Debian and its relatives');
  const work = await mkdtemp(join(tmpdir(), 'binfmtctl-apt-'));
  try {
    const apt = await privateApt(work, release, options.signal);
    options.report({ kind: 'text', text: 'apt: reading the package lists' });
    const update = await apt('apt-get', 'update');
    const packages = await packagesFor(wants, apt);
    if (packages.length === 0) throw failed('no package with a static emulator', update, release);
    return await takeFromAll(packages, wants, { ...options, work, apt, release });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

type Apt = (program: 'apt-get' | 'apt-cache', ...args: string[]) => Promise<RunResult>;

/** apt with state and cache of its own below `work`; the package status of the machine does not matter to a download. */
async function privateApt(work: string, release: string, signal: AbortSignal): Promise<Apt> {
  // apt drops root for its _apt user, who has to get there.
  await mkdir(join(work, 'lists/partial'), { recursive: true, mode: 0o755 });
  await mkdir(join(work, 'archives/partial'), { recursive: true, mode: 0o755 });
  const settings = [
    `Dir::State=${work}`,
    `Dir::State::lists=${work}/lists`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${work}`,
    'Acquire::Languages=none',
    'Acquire::Retries=2',
    // Only what names packages: no contents, no icons, no differences between lists.
    'Acquire::PDiffs=false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
    'Acquire::IndexTargets::deb-src::Sources::DefaultEnabled=false',
    ...(release === '' ? [] : [`APT::Default-Release=${release}`]),
  ];
  const options = ['-q', ...settings.map((setting) => `-o${setting}`)];
  return (program, ...args) =>
    run(program, [...options, ...args], { cwd: work, signal, env: { LC_ALL: 'C', APT_LISTCHANGES_FRONTEND: 'none' } });
}

/** The packages that may hold the emulators, the most promising first. */
async function packagesFor(wants: readonly Want[], apt: Apt): Promise<readonly PackageStanza[]> {
  const names = new Set(
    wants.flatMap(({ guest, profiles }) =>
      profiles.flatMap(({ layouts, guests }) =>
        layouts.flatMap(({ packages }) => packages.map((name) => name.replaceAll('{target}', guests[guest] ?? guest))),
      ),
    ),
  );
  // Names that are no Debian package name (`qemu-user-static-x86_64`) would be an error, not an absence.
  const possible = [...names].filter((name) => /^[a-z0-9][a-z0-9+.-]+$/.test(name));
  const shown = await apt('apt-cache', 'show', '--no-all-versions', ...possible);
  const found = parseStanzas(new TextDecoder().decode(shown.stdout)).filter(({ size }) => size >= LEAST_PACKAGE_SIZE);
  return found.toSorted((a, b) => Number(b.name.endsWith('-static')) - Number(a.name.endsWith('-static')));
}

interface Download extends FetchOptions {
  readonly work: string;
  readonly apt: Apt;
  readonly release: string;
}

/** Goes through the packages until all that is wanted was found. */
async function takeFromAll(
  packages: readonly PackageStanza[],
  wants: readonly Want[],
  download: Download,
): Promise<readonly Candidate[]> {
  const found: Candidate[] = [];
  for (const each of packages) {
    const open = wants.filter(({ guest }) => !found.some((candidate) => candidate.guest === guest));
    if (open.length === 0) break;
    const file = await fetchPackage(each, download);
    download.report({ kind: 'text', text: `taking ${open.length} of the emulators out of ${each.name} ${each.version}` });
    found.push(...(await takeFromPackage(file, open, download)));
    await rm(file, { force: true });
  }
  return found;
}

async function fetchPackage({ name, version, size }: PackageStanza, { work, apt, release, report }: Download): Promise<string> {
  const directory = join(work, 'archives');
  report({ kind: 'text', text: `apt: downloading ${name} ${version}` });
  const started = Date.now();
  const watch = setInterval(async () => {
    const done = await bytesIn(directory, work);
    const secondsLeft = done > 0 ? ((Date.now() - started) / 1000) * (size / done - 1) : null;
    report({ kind: 'bytes', done, total: size, secondsLeft });
  }, POLL_MS);
  const result = await apt('apt-get', 'download', `${name}=${version}`).finally(() => clearInterval(watch));
  const file = (await readdir(work)).find((each) => each.startsWith(`${name}_`) && each.endsWith('.deb'));
  if (result.exitCode !== 0 || file === undefined) throw failed(`cannot download ${name}`, result, release);
  report({ kind: 'bytes', done: size, total: size, secondsLeft: 0 });
  return join(work, file);
}

/** apt writes to `partial` as its own user, or straight to the working folder. */
async function bytesIn(...directories: readonly string[]): Promise<number> {
  const files = await Promise.all(
    directories.map(async (directory) => {
      const names = await readdir(directory).catch(() => []);
      return Promise.all(names.filter((name) => name.endsWith('.deb')).map((name) => stat(join(directory, name)).catch(() => null)));
    }),
  );
  return files.flat().reduce((sum, facts) => sum + (facts?.size ?? 0), 0);
}

function failed(what: string, { stdout, stderr, signal }: RunResult, release: string): BinfmtctlError {
  if (signal === 'SIGTERM') return new BinfmtctlError('INTERRUPTED', 'interrupted while fetching', { cause: 'SIGINT' });
  const said = aptErrors(`${new TextDecoder().decode(stdout)}\n${stderr}`).join('; ');
  const hint = release === '' ? 'check the network and /etc/apt/sources.list.d, or name a file with --source path:FILE' : `is ${release} among the machine's apt sources?`;
  return new BinfmtctlError('SOURCE_FAILED', `apt: ${what}${said === '' ? '' : `: ${said}`}`, { hint });
}
