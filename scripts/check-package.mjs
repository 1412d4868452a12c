// Fails if the npm package is too large or depends on other packages, if a bundle lacks a notice that a licence requires or has
// one too many, if the published types need a package, or if the manifest has parts that only the repository needs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { buildAction } from './build-action.mjs';
import { librariesOf, NOTICES, sectionOf, sectionsIn } from './release/libraries.mjs';
import { packPackage } from './release/package.mjs';

const LIMIT_BYTES = 480_000;
const ROOT = resolve(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'binfmtctl-package-'));
try {
  const { size, entryCount, root } = pack();
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const brought = dependenciesIn(manifest);
  const command = await sectionsFor('src/cli/main.ts', 'src/index.ts', 'src/cli/drop-in/run-detectors.ts');
  await buildAction(join(work, 'action'));
  const problems = [
    ...(size > LIMIT_BYTES ? [`the tarball has ${size} bytes, more than ${LIMIT_BYTES}`] : []),
    ...brought.map((name) => `the package depends on ${name}`),
    ...noticeProblems('the package', join(root, 'dist'), command),
    ...noticeProblems('the action', join(work, 'action/dist'), [...command, ...(await actionSections())]),
    ...typeProblems(join(root, 'dist')),
    ...manifestProblems(manifest),
  ];
  for (const problem of problems) console.error(problem);
  console.log(
    `package: ${size} bytes in ${entryCount} files, ${brought.length} other packages, ${problems.length} problems`,
  );
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The tarball of a full build, unpacked. */
function pack() {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { file, size, entryCount } = packPackage(work);
  execFileSync('tar', ['--extract', '--file', file, '--directory', work]);
  return { size, entryCount, root: join(work, 'package') };
}

function dependenciesIn(manifest) {
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
}

function manifestProblems(manifest) {
  const missing = ['repository', 'homepage', 'bugs'].filter((key) => manifest[key] === undefined);
  const extra = ['scripts', 'devDependencies', 'private'].filter((key) => manifest[key] !== undefined);
  return [
    ...missing.map((key) => `the package has no ${key}`),
    ...extra.map((key) => `the package must not have ${key}`),
  ];
}

/** Found apart from the build: a step that the build forgets is missed there, not here. */
async function sectionsFor(...entryPoints) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    outdir: 'none',
    define: { BINFMTCTL_VERSION: '""' },
  });
  return librariesOf(metafile).map(sectionOf);
}

/** The action leaves parts of its libraries out, so only those are required that it imports itself. */
async function actionSections() {
  const all = await sectionsFor('src/cli/action.ts', 'src/cli/action/cache-library.ts');
  return all.filter((section) => /^=== @actions\/(?:core|cache) /.test(section));
}

function noticeProblems(where, folder, required) {
  const present = sectionsIn(readFileSync(join(folder, NOTICES), 'utf8'));
  const titleOf = (section) => section.split('\n', 1)[0].slice(4);
  const missing = required.filter((section) => !present.includes(section));
  const extra = present.filter((section) => !required.includes(section));
  return [
    ...missing.map((section) => `${where} lacks the notice of ${titleOf(section)}`),
    ...(where === 'the action' ? [] : extra.map((section) => `${where} does not have ${titleOf(section)}`)),
  ];
}

function typeProblems(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => /\.d\.[cm]?ts$/.test(name));
  return files.flatMap((name) => {
    const imports = readFileSync(join(folder, name), 'utf8').matchAll(
      /(?:from |import\(|import )['"]([^.'"][^'"]*)['"]/g,
    );
    return [...imports].map(([, imported]) => `dist/${name} imports ${imported}`);
  });
}
