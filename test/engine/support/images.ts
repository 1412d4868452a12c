/** Images from nothing but Debian's packages: no registry is asked. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { skopeoCopy } from '../../../scripts/docker-registry.mjs';
import { unpackPackages } from '../../../scripts/packages.mjs';

/** The base that stands in for a minimal Node image, as buildah knows it. */
export const BASE = 'localhost/binfmtctl-test-base';

/** A folder for PATH with a buildah whose images are below `folder`. */
export function prepareBuildah(folder: string): string {
  const names = ['buildah', 'libgpgme11', 'libassuan0', 'golang-github-containers-common'] as const;
  const [buildah = '', gpgme = '', assuan = '', common = ''] = unpackPackages(...names);
  const home = join(folder, 'home');
  for (const name of ['bin', 'tmp', 'home/.config/containers'])
    mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(join(common, 'etc/containers/policy.json'), join(home, '.config/containers/policy.json'));
  writeFileSync(join(folder, 'registries.conf'), '');
  const libraries = [gpgme, assuan].map(libraryFolder).join(':');
  const script = (driver: string) => `#!/bin/sh
export HOME=${home} TMPDIR=${folder}/tmp LD_LIBRARY_PATH=${libraries} CONTAINERS_REGISTRIES_CONF=${folder}/registries.conf
exec ${buildah}/usr/bin/buildah --root ${folder}/images --runroot ${folder}/run --storage-driver ${driver} "$@"
`;
  const path = join(folder, 'bin/buildah');
  // overlay is ten times as fast, but does not work on top of another.
  for (const driver of ['vfs', 'overlay']) {
    writeFileSync(path, script(driver));
    chmodSync(path, 0o755);
    if (driver === 'overlay' && spawnSync(path, ['info']).status !== 0) writeFileSync(path, script('vfs'));
  }
  return dirname(path);
}

/** For both platforms; the Node of this machine's own is the one that runs this test, the other has none. */
export function makeBase(folder: string, buildah: string): void {
  const run = (...words: readonly string[]): void => {
    const { status, stderr } = spawnSync(join(buildah, 'buildah'), words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`buildah ${words[0]} failed: ${stderr}`);
  };
  run('manifest', 'create', BASE);
  for (const arch of ['amd64', 'arm64'] as const) {
    const context = join(folder, arch);
    makeRoot(join(context, 'root'), arch);
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY root/ /\n');
    const how = ['--quiet', '--timestamp', '0', '--platform', `linux/${arch}`, '--manifest', BASE];
    // With a name of its own, as pulled images have one: else it goes with the last image that is made of it.
    run('build', ...how, '--tag', `${BASE}-${arch}`, context);
  }
}

const TRIPLETS = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** The C and C++ libraries and Node, where the default base has it. */
export function makeRoot(root: string, arch: keyof typeof TRIPLETS): void {
  const triplet = TRIPLETS[arch];
  const isOurs = arch === (process.arch === 'x64' ? 'amd64' : 'arm64');
  const names = isOurs ? ['libc6', 'libstdc++6', 'libgcc-s1'] : [`libc6:${arch}`];
  const libraries = join(root, 'usr/lib', triplet);
  for (const path of ['tmp', 'etc', 'usr/bin', 'usr/lib64', 'nodejs/bin', 'proc', 'sys', 'dev', 'var/lib'])
    mkdirSync(join(root, path), { recursive: true });
  mkdirSync(libraries, { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const each of unpackPackages(...names).flatMap((path) => [join(path, 'lib'), join(path, 'usr/lib')]))
    copyLibraries(join(each, triplet), libraries);
  for (const name of ['lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name));
  const [loader = ''] = readdirSync(libraries).filter((name) => name.startsWith('ld-linux-'));
  const linkFrom = arch === 'amd64' ? 'usr/lib64' : 'usr/lib';
  symlinkSync(`/usr/lib/${triplet}/${loader}`, join(root, linkFrom, loader));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\n');
  if (isOurs) copyFileSync(realpathSync(process.execPath), join(root, 'nodejs/bin/node'));
}

/** An image of an OCI archive in the form that `docker load` takes. */
export const toDockerArchive = (archive: string, file: string, name: string): Promise<void> =>
  skopeoCopy(`oci-archive:${archive}`, `docker-archive:${file}:${name}`);

/** A context for an arm64 image with RUN steps that need an emulator: busybox alone, static. */
export function makeForeignContext(folder: string): { readonly busybox: string } {
  const [root = ''] = unpackPackages('busybox-static:arm64');
  const busybox = join(folder, 'root/bin/busybox');
  mkdirSync(dirname(busybox), { recursive: true });
  copyFileSync(join(root, 'bin/busybox'), busybox);
  symlinkSync('busybox', join(folder, 'root/bin/sh'));
  const steps = [
    'FROM scratch',
    'COPY root/ /',
    'RUN busybox uname -m > /machine',
    'RUN for n in 1 2 3; do busybox echo $n; done | busybox wc -l > /lines',
    'CMD ["/bin/busybox", "cat", "/machine", "/lines"]',
  ];
  writeFileSync(join(folder, 'Dockerfile'), `${steps.join('\n')}\n`);
  return { busybox };
}

function libraryFolder(root: string): string {
  const libraries = join(root, 'usr/lib');
  const [triplet = ''] = readdirSync(libraries).filter((name) => name.includes('-linux-'));
  return join(libraries, triplet);
}

function copyLibraries(from: string, to: string): void {
  if (!existsSync(from)) return;
  const names = readdirSync(from).filter((name) => /\.so(\.\d+)*$/.test(name));
  for (const name of names) cpSync(join(from, name), join(to, name), { verbatimSymlinks: true });
}
