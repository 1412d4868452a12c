import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunResult, run } from '../../system/process/process.ts';
import { type AptOption, encodeAptConf } from './texts.ts';

/** apt with the machine's sources, keys, proxies and pins, but lists, cache and state of its own. */
export interface PrivateApt {
  /** The folder of its package lists. */
  readonly lists: string;
  /** Where `download` puts packages. */
  readonly archives: string;
  /** Fetches and verifies the lists. They are as the mirror has them: compressed. */
  readonly update: () => Promise<RunResult>;
  /** Reads lists that are not compressed (any more). */
  readonly cache: (...args: string[]) => Promise<RunResult>;
  readonly download: (...args: string[]) => Promise<RunResult>;
}

/** Prepares it below the folder `work`, which belongs to the caller. */
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
    // Hooks are the machine's, for its own state.
    ['APT::Update'],
    ['Acquire::IndexTargets'],
    ['APT::Architectures'],
    ['APT::Architectures::', await nativeArchitecture()],
    ['APT::Get::AllowUnauthenticated', 'false'],
    ['APT::Sandbox::User', await sandboxUser(archives)],
    ['Dir::State', workDirectory],
    ['Dir::State::lists', lists],
    // What is installed here does not matter to a download.
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
 * apt verifies an index twice, compressed and decompressed, and spends most of an update on the second. Its decompressed
 * form is of no use here, so the compressed file itself is made the index: apt verifies it by the signed Release file
 * all the same. The first form that a mirror offers is taken (Fallback-Of: acquire-additional-files of apt-doc).
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
 * As root, apt talks to the network as its user `_apt`, who then must be able to write where `download` does. Where it
 * cannot be given that (a user namespace with one user), apt is told to stay what it is.
 */
async function sandboxUser(archives: string): Promise<string> {
  if (process.geteuid?.() !== 0) return '_apt';
  const users = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const uid = /^_apt:[^:]*:(\d+):/m.exec(users)?.[1];
  const given =
    uid !== undefined &&
    (await chown(archives, Number(uid), 0).then(
      () => true,
      () => false,
    ));
  return given ? '_apt' : 'root';
}
