// Writes the licences of the image's contents, and where to find their sources.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { controlOf, unpackPackages } from '../packages.mjs';
import { NOTICES, sectionsIn } from './libraries.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
/** The licences that copyright files of packages refer to. */
const COMMON = ['GPL-2', 'GPL-3', 'LGPL-2', 'LGPL-2.1'];

/** Writes SOURCES, LICENSE, JAVASCRIPT and a file for each package to a directory. */
export async function writeLicences(folder, { lock, platform, packages }) {
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  const notices = readFileSync(join(ROOT, 'dist', NOTICES), 'utf8');
  writeFileSync(join(folder, 'JAVASCRIPT'), notices);
  const emulators = await emulatorSources(lock, platform);
  const all = emulators.some(({ source }) => source.startsWith('apt'))
    ? [...packages, packages[0].replace(/^[^:]*/, 'qemu-user-static')]
    : packages;
  for (const name of all) {
    const [root] = unpackPackages(name);
    const [plain] = name.split(':');
    copyFileSync(join(root, 'usr/share/doc', plain, 'copyright'), join(folder, `${plain}.copyright`));
  }
  const [base] = unpackPackages('base-files');
  for (const name of COMMON) copyFileSync(join(base, 'usr/share/common-licenses', name), join(folder, name));
  const lines = [
    'Contents of this image in addition to its base, and their sources.',
    '',
    'binfmtctl (/usr/lib/binfmtctl): Apache-2.0, see LICENSE. Its libraries: see JAVASCRIPT.',
    ...sectionsIn(notices).map((section) => {
      const [, library, license] = /^=== (.*) \((.*)\)$/m.exec(section);
      return `  ${library}: ${license}, the npm package of that name and version`;
    }),
    '',
    'Emulators (/usr/bin/qemu-*): QEMU, GPL-2.0-only with parts under other licences (see GPL-2).',
    ...emulators.map(
      ({ source, version }) =>
        `  QEMU ${version} from ${source}; its sources: https://download.qemu.org/qemu-${version}.tar.xz`,
    ),
    '',
    'Programs of Debian (/usr/libexec/binfmtctl, and QEMU if it is from apt): see NAME.copyright. Sources: the Debian source',
    'packages of these names and versions, https://snapshot.debian.org/package/NAME/VERSION/',
    ...all.map((name) => `  ${describePackage(controlOf(name))}`),
  ];
  writeFileSync(join(folder, 'SOURCES'), `${lines.join('\n')}\n`);
}

/** Returns each source and version of the platform's emulators once. */
async function emulatorSources(lock, platform) {
  const { builtinCatalogue, decodeLockFile, findArch } = createRequire(import.meta.url)(
    join(ROOT, 'dist/operations.cjs'),
  );
  const { hosts } = (await decodeLockFile(readFileSync(lock, 'utf8'))).lock;
  const own = hosts[findArch(builtinCatalogue(), platform).id] ?? {};
  const unknown = Object.entries(own).find(([, { version }]) => version === null);
  if (unknown !== undefined)
    throw new Error(`cannot name the sources of the emulator for ${unknown[0]}: unknown version`);
  const pairs = new Map(
    Object.values(own).map(({ source, version }) => [`${source}\n${version}`, { source, version }]),
  );
  return [...pairs.values()];
}

/** `busybox-static 1:1.35.0-4+b1 (amd64, sha256 …) of the source package busybox 1:1.35.0-4`. */
function describePackage({ Package, Version, Source, Architecture, sha256 }) {
  const [, name, version] = /^(\S+)(?: \((\S+)\))?$/.exec(Source ?? Package) ?? [];
  return `${Package} ${Version} (${Architecture}, sha256 ${sha256}) of the source package ${name} ${version ?? Version}`;
}
