// Creates all parts of a release in a new directory OUT: the npm tarball, the GitHub Action, a bundle of emulators and an image
// context for each platform, the image as an OCI archive (if buildah is installed), and SHA256SUMS.
//   node scripts/release.mjs OUT [--platform linux/amd64,linux/arm64] [--base IMAGE] [--lock FILE]
//        [--update-lock] [--source [PLATFORM=]SPEC]... [--without-image]
// The lock file pins the emulators by digest. --update-lock updates it from --source (as for `binfmtctl bundle --source`; default:
// oci, which is pinned by digest). Builds are reproducible for the same commit, lock file, base and Debian packages: times are those
// of the commit, or SOURCE_DATE_EPOCH.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAction } from './build-action.mjs';
import { makeContext } from './release/context.mjs';
import { buildImage } from './release/image.mjs';
import { bundleLocked, updateLock } from './release/lock.mjs';
import { packFolder } from './release/pack.mjs';
import { packPackage } from './release/package.mjs';

const ROOT = resolve(import.meta.dirname, '..');

const USAGE = `usage: node scripts/release.mjs OUT [options]

Create all parts of a release in the new directory OUT.

  --platform LIST         platforms (default: linux/amd64,linux/arm64)
  --base IMAGE            base of the container image
  --lock FILE             lock file of the emulators (default: binfmtctl.lock)
  --update-lock           update the lock file from --source first
  --source [PLATFORM=]SPEC  source of emulators, repeatable (default: oci)
  --without-image         do not build the container image
  --help                  print this help`;

const { values, positionals } = parseWords({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', default: false },
    platform: { type: 'string', default: 'linux/amd64,linux/arm64' },
    base: { type: 'string' },
    lock: { type: 'string', default: 'binfmtctl.lock' },
    'update-lock': { type: 'boolean', default: false },
    source: { type: 'string', multiple: true, default: [] },
    'without-image': { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (positionals.length !== 1) fail(USAGE);
const out = resolve(positionals[0]);
if (existsSync(out) && readdirSync(out).length > 0) fail(`${out} is not empty`);
const lock = resolve(values.lock);
if (!existsSync(lock) && !values['update-lock'])
  fail(`lock file not found: ${lock}; use --lock FILE, or --update-lock to create it`);

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const git = (...words) => execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' }).trim();
const release = {
  version,
  revision: git('rev-parse', 'HEAD'),
  epoch: Number(process.env.SOURCE_DATE_EPOCH ?? git('log', '-1', '--format=%ct')),
};

const work = mkdtempSync(join(tmpdir(), 'binfmtctl-release-'));
try {
  mkdirSync(out, { recursive: true });
  step('the npm tarball');
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  packPackage(out);
  step('the GitHub Action');
  await makeAction(join(out, 'action'), join(out, `binfmtctl-action-${version}.tar`));

  const platforms = values.platform.split(',').filter(Boolean);
  if (values['update-lock']) {
    step(lock);
    await updateLock(lock, platforms, values.source, work);
  }
  copyFileSync(lock, join(out, 'binfmtctl.lock'));
  const contexts = [];
  for (const platform of platforms) {
    step(`the emulators and the image context for ${platform}`);
    const bundle = join(out, `binfmtctl-emulators-${version}-${platform.replaceAll('/', '-')}.tar`);
    bundleLocked(bundle, lock, platform, work);
    const folder = join(out, 'image', platform.replaceAll('/', '-'));
    await makeContext(folder, { platform, bundle, lock });
    contexts.push({ platform, folder });
  }
  if (values['without-image'] || !hasBuildah())
    step('no image, because of --without-image or because buildah is not installed');
  else {
    step('the image');
    const digest = await buildImage(join(out, `binfmtctl-${version}.oci.tar`), contexts, {
      ...release,
      base: values.base,
      work,
    });
    process.stdout.write(`${digest}\n`);
  }
  const files = readdirSync(out, { withFileTypes: true }).filter((each) => each.isFile());
  const sums = files.map(({ name }) => `${sha256(join(out, name))}  ${name}\n`);
  writeFileSync(
    join(out, 'SHA256SUMS'),
    sums.toSorted((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(''),
  );
} catch (error) {
  // Child processes have already printed their errors.
  process.stderr.write(`release: ${error.message.split('\n')[0]}\n`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Creates the directory and the archive for the branch or tag that workflows use. */
async function makeAction(folder, archive) {
  await buildAction(folder);
  for (const name of ['action.yml', 'LICENSE']) copyFileSync(join(ROOT, name), join(folder, name));
  await packFolder(folder, archive, release.epoch);
}

function hasBuildah() {
  return (process.env.PATH ?? '')
    .split(':')
    .some((folder) => folder !== '' && existsSync(join(folder, 'buildah')));
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function step(text) {
  process.stderr.write(`release: ${text}\n`);
}

function parseWords(settings) {
  try {
    return parseArgs(settings);
  } catch (error) {
    return fail(`${error.message.split('. To ')[0]}; see --help`);
  }
}

function fail(text) {
  process.stderr.write(`release: ${text}\n`);
  process.exit(2);
}
