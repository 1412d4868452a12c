import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunResult, run } from '../../system/process/process.ts';
import { type AptOption, encodeAptConf } from './texts.ts';

/** apt with the machine's sources, keys, proxies and pins, but private lists, cache and state. */
export interface PrivateApt {
  /** The directory of its package lists. */
  readonly lists: string;
  /** The directory that `download` writes packages to. */
  readonly archives: string;
  /** Fetches and verifies the lists, which stay compressed. */
  readonly update: () => Promise<RunResult>;
  /** Requires uncompressed lists. */
  readonly cache: (...args: string[]) => Promise<RunResult>;
  readonly download: (...args: string[]) => Promise<RunResult>;
}

/** Creates the configuration below `workDirectory`, which the caller removes. */
export async function privateApt(
  workDirectory: string,
  release: string,
  signal: AbortSignal,
): Promise<PrivateApt> {
  const lists = join(workDirectory, 'lists');
  const archives = join(workDirectory, 'archives');
  await chmod(workDirectory, 0o755);
  await Promise.all(
    [lists, archives].map((path) => mkdir(join(path, 'partial'), { recursive: true, mode: 0o755 })),
  );
  const settings: AptOption[] = [
    // Clears the machine's hooks, which are for its own state.
    ['APT::Update'],
    ['Acquire::IndexTargets'],
    ['APT::Architectures'],
    ['APT::Architectures::', await nativeArchitecture()],
    ['APT::Get::AllowUnauthenticated', 'false'],
    ['APT::Sandbox::User', await sandboxUser(archives)],
    ['Dir::State', workDirectory],
    ['Dir::State::lists', lists],
    // Installed packages do not matter to a download.
    ['Dir::State::status', join(workDirectory, 'status')],
    ['Dir::Cache', workDirectory],
    ['Dir::Cache::archives', archives],
    ['Dir::Cache::pkgcache', ''],
    ['Dir::Cache::srcpkgcache', ''],
    ['Acquire::GzipIndexes', 'false'],
    ...(release === '' ? [] : [['APT::Default-Release', release] as const]),
  ];
  const update = join(workDirectory, 'update.conf');
  const read = join(workDirectory, 'read.conf');
  await Promise.all([
    writeFile(join(workDirectory, 'status'), ''),
    writeFile(
      update,
      encodeAptConf([...settings, ...compressedTargets(), ['pkgCacheFile::Generate', 'false']]),
    ),
    writeFile(read, encodeAptConf([...settings, ...target('Packages', 'Packages')])),
  ]);
  const options = { cwd: archives, signal, env: { LC_ALL: 'C' } };
  return {
    lists,
    archives,
    update: () => run('apt-get', ['-q', '-c', update, 'update'], options),
    cache: (...args) => run('apt-cache', ['-q', '-c', read, ...args], options),
    download: (...args) => run('apt-get', ['-q', '-c', read, 'download', ...args], options),
  };
}

/**
 * apt verifies an index twice, compressed and decompressed, and spends most of an update on the second. So the
 * compressed file is declared to be the index itself. apt still verifies it with the signed Release file. The first
 * form that a mirror offers is used (Fallback-Of: acquire-additional-files of apt-doc).
 */
function compressedTargets(): AptOption[] {
  return [
    ...target('Packages', 'Packages.gz'),
    ...target('Packages-xz', 'Packages.xz', 'Packages'),
    ...target('Packages-any', 'Packages', 'Packages-xz'),
  ];
}

function target(name: string, file: string, fallbackOf?: string): AptOption[] {
  const option = (key: string, value: string): AptOption => [
    `Acquire::IndexTargets::deb::${name}::${key}`,
    value,
  ];
  const all = [
    option('MetaKey', `$(COMPONENT)/binary-$(ARCHITECTURE)/${file}`),
    option('flatMetaKey', file),
    option('ShortDescription', 'Packages'),
    option('Description', `$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) ${file}`),
    option('flatDescription', `$(RELEASE) ${file}`),
    option('Optional', 'true'),
  ];
  return fallbackOf === undefined ? all : [...all, option('Fallback-Of', fallbackOf)];
}

async function nativeArchitecture(): Promise<string> {
  const { stdout } = await run('dpkg', ['--print-architecture'], {});
  return new TextDecoder().decode(stdout).trim();
}

/**
 * As root, apt downloads as its user `_apt`, which must be able to write to the archives directory. If chown to `_apt`
 * fails (in a user namespace with one user), apt stays root.
 */
async function sandboxUser(archives: string): Promise<string> {
  if (process.geteuid?.() !== 0) return '_apt';
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const uid = /^_apt:[^:]*:(\d+):/m.exec(users)?.[1];
  const isOwned =
    uid !== undefined &&
    (await chown(archives, Number(uid), 0).then(
      () => true,
      () => false,
    ));
  return isOwned ? '_apt' : 'root';
}
