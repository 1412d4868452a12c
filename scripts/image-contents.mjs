// Creates the contents of the container image in a new directory, from a built dist/. The Dockerfile runs it.
//   node scripts/image-contents.mjs OUT [--source SPEC] [--arch ARCH]
// ARCH is Docker's name for the image's architecture. Default, also if empty: that of this machine.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { unpackPackages } from './packages.mjs';
import { makeContext, packageFor } from './release/context.mjs';
import { bundleLocked, updateLock } from './release/lock.mjs';

/** Docker's names of architectures, where they differ from Node's. */
const DOCKER = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { source: { type: 'string', default: 'apt' }, arch: { type: 'string', default: '' } },
});
if (positionals.length !== 1) throw new Error('usage: node scripts/image-contents.mjs OUT [options]');
const own = DOCKER[process.arch] ?? process.arch;
const platform = `linux/${values.arch || own}`;
const work = mkdtempSync(join(tmpdir(), 'binfmtctl-image-'));
try {
  const lock = join(work, 'binfmtctl.lock');
  const bundle = join(work, 'emulators.tar');
  const source = sourceFor(platform);
  await updateLock(lock, [platform], [source], work);
  bundleLocked(bundle, lock, platform, work);
  // The licences must name the original source.
  if (source !== values.source)
    writeFileSync(lock, readFileSync(lock, 'utf8').replaceAll(source, values.source));
  await makeContext(resolve(positionals[0]), { platform, bundle, lock });
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The source `apt` only supports packages of this machine's architecture. */
function sourceFor(platform) {
  if (values.source !== 'apt' || platform === `linux/${own}`) return values.source;
  const [root] = unpackPackages(packageFor('qemu-user-static', platform));
  return `dir:${join(root, 'usr/bin')}`;
}
