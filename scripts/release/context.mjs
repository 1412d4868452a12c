// Creates the build context of an image: emulators, tools, the program and the licences of all of them.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { unpackPackages } from '../packages.mjs';
import { NOTICES } from './libraries.mjs';
import { writeLicences } from './licences.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
/** Debian's names of architectures, where they differ from Docker's. */
const DEBIAN = { arm: 'armhf', 386: 'i386', ppc64le: 'ppc64el' };
/** The tools that the program runs. There is no sh. */
const APPLETS = ['cat', 'chroot', 'mount', 'umount', 'unshare'];
/** Parts of dist/ that are only for the npm package. */
const LEFT_OUT = [
  ...['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts', 'run-detectors', 'run-detectors.cjs'],
  // It is in the licences.
  NOTICES,
];

/** Fills a new directory. The modes of files do not depend on the umask. */
export async function makeContext(folder, { platform, bundle, lock }) {
  for (const name of ['emulators', 'tools', 'program/dist', 'licenses'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'Dockerfile'), lastStage(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')));
  await unpackEmulators(bundle, join(folder, 'emulators'));
  takeTools(platform, join(folder, 'tools'));
  const programs = readdirSync(join(ROOT, 'dist')).filter((name) => !LEFT_OUT.includes(name));
  for (const name of programs) copyFileSync(join(ROOT, 'dist', name), join(folder, 'program/dist', name));
  await writeLicences(join(folder, 'licenses'), { lock, platform, packages: packagesFor(platform) });
  fixModes(folder);
}

/** Returns the Dockerfile without the stage that creates the contents, which are in the context. */
function lastStage(text) {
  const last = text.slice(text.lastIndexOf('\nFROM ') + 1).replaceAll('--from=contents /contents/', '');
  if (/--from=/.test(last)) throw new Error('the last stage of the Dockerfile copies from another stage');
  const [base] = /^ARG BASE=.*\n/m.exec(text);
  return base + last;
}

/** The packages whose programs are in the image. */
const packagesFor = (platform) => ['busybox-static', 'util-linux'].map((name) => packageFor(name, platform));

/** Returns a Debian package for a platform, as `NAME:ARCH`. */
export function packageFor(name, platform) {
  const [, arch] = platform.split('/');
  return `${name}:${DEBIAN[arch] ?? arch}`;
}

/** Unpacks a bundle, which was verified against the lock file when it was created. */
async function unpackEmulators(bundle, folder) {
  const extract = tar.extract();
  const read = pipeline(createReadStream(bundle), extract);
  for await (const entry of extract) {
    // The manifest is at the top level, each emulator in a directory.
    if (!entry.header.name.includes('/')) entry.resume();
    else await pipeline(entry, createWriteStream(join(folder, basename(entry.header.name)), { flags: 'wx' }));
  }
  await read;
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755);
}

function takeTools(platform, folder) {
  const [busybox, utilLinux] = unpackPackages(...packagesFor(platform));
  cpSync(join(busybox, 'bin/busybox'), join(folder, 'busybox'));
  cpSync(join(utilLinux, 'usr/bin/flock'), join(folder, 'flock'));
  for (const name of APPLETS) symlinkSync('busybox', join(folder, name));
}

function fixModes(folder) {
  for (const each of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(each.parentPath, each.name);
    if (each.isDirectory()) chmodSync(path, 0o755);
    else if (each.isFile()) chmodSync(path, /\/(emulators|tools)$/.test(each.parentPath) ? 0o755 : 0o644);
  }
}
