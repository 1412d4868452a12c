// Fetches Debian's kernels, and the modules that a virtual machine needs.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dependenciesOf, openRelease, unpackNewest } from './debian.mjs';

/** For, in this order: the disk, binfmt_misc, systemd's automount, `enter --ephemeral`, and disk images. */
const MODULES = ['virtio_pci', 'virtio_blk', 'binfmt_misc', 'autofs4', 'overlay', 'loop'];

/** Fetches a release's newest cloud kernel. Returns its version, its image and the modules in the order of loading. */
export function fetchKernel(suite, arch) {
  const release = openRelease(suite, arch, { hasUpdates: true });
  const name = dependenciesOf(release, `linux-image-cloud-${arch}`).find((each) =>
    each.startsWith('linux-image-'),
  );
  if (name === undefined) throw new Error(`${suite} has no kernel for ${arch} clouds`);
  // Since Linux 7.1, Debian has separate packages for image and modules.
  const parts = dependenciesOf(release, name).filter((each) => /^linux-(binary|modules)-/.test(each));
  return readKernel(unpackNewest(release, parts.length > 0 ? parts : [name], isUsed));
}

/** Selects the image, the modules to load, and virtio modules that they may depend on. */
function isUsed(path) {
  return /\/vmlinuz|\/drivers\/virtio\//.test(path) || MODULES.includes(moduleName(path));
}

function readKernel(root) {
  const files = readdirSync(root, { recursive: true }).map((name) => join(root, name));
  const image = files.find((path) => /\/vmlinuz/.test(path));
  const modules = new Map(
    files.filter((path) => /\.ko(\.xz)?$/.test(path)).map((path) => [moduleName(path), path]),
  );
  const version = /\/modules\/([^/]+)\//.exec([...modules.values()][0])[1];
  return { version, image, modules: inOrder(modules, MODULES) };
}

/** Sorts modules after their dependencies. Omits those that are built into this kernel. */
function inOrder(modules, names, done = new Map()) {
  for (const name of names) {
    const path = modules.get(name);
    if (path === undefined || done.has(name)) continue;
    const content = readModule(path);
    inOrder(modules, dependsOf(content), done);
    done.set(name, { name, content });
  }
  return [...done.values()];
}

/** Returns a module's dependencies, from its section .modinfo. */
function dependsOf(content) {
  const text = /\0depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? '';
  return text.split(',').map((name) => name.replaceAll('-', '_'));
}

function readModule(path) {
  if (!path.endsWith('.xz')) return readFileSync(path);
  return execFileSync('xz', ['-dc', path], { maxBuffer: 64 << 20 });
}

const moduleName = (path) =>
  basename(path)
    .replace(/\.ko.*/, '')
    .replaceAll('-', '_');
