// Fails if the npm package is too large or depends on other packages, if a bundle lacks a notice that a licence requires or has
// one too many, or if the published types need a package.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { buildAction } from './build-action.mjs';
import { librariesOf, NOTICES, sectionOf, sectionsIn } from './release/libraries.mjs';

const LIMIT_BYTES = 480_000;
const ROOT = resolve(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'binfmtctl-package-'));
try {
  const { size, entryCount, root } = pack();
  const brought = dependenciesIn(root);
  const command = await sectionsFor('src/cli/main.ts', 'src/index.ts', 'src/cli/drop-in/run-detectors.ts');
  await buildAction(join(work, 'action'));
  const problems = [
    ...(size > LIMIT_BYTES ? [`the tarball has ${size} bytes, more than ${LIMIT_BYTES}`] : []),
    ...brought.map((name) => `the package depends on ${name}`),
    ...noticeProblems('the package', join(root, 'dist'), command),
    ...noticeProblems('the action', join(work, 'action/dist'), [...command, ...(await actionSections())]),
    ...typeProblems(join(root, 'dist')),
  ];
  for (const problem of problems) console.error(problem);
  console.log(
    `package: ${size} bytes in ${entryCount} files, ${brought.length} other packages, ${problems.length} problems`,
  );
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The tarball as npm makes it, unpacked. */
function pack() {
  const words = ['pack', '--json', '--pack-destination', work];
  const text = execFileSync('npm', words, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename, size, entryCount }] = JSON.parse(text.slice(text.indexOf('[\n')));
  execFileSync('tar', ['--extract', '--file', join(work, filename), '--directory', work]);
  return { size, entryCount, root: join(work, 'package') };
}

function dependenciesIn(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
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
