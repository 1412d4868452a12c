// Builds what the GitHub Action runs, from a dist/ that is built: DIR/dist/action.cjs, the runner's cache library, which is
// loaded where it is used, and the command.
//   node scripts/build-action.mjs DIR
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { librariesOf, NOTICES, noticesOf } from './release/libraries.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Fills the folder, and returns the names of the files in its dist/. */
export async function buildAction(folder) {
  const built = join(ROOT, 'dist');
  if (!existsSync(join(built, 'cli.cjs')))
    throw new Error('dist/ is not there: node scripts/build.mjs makes it');
  const out = resolve(folder, 'dist');
  mkdirSync(out, { recursive: true });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const { metafile } = await build({
    metafile: true,
    absWorkingDir: ROOT,
    entryPoints: { action: 'src/cli/action.ts', 'actions-cache': 'src/cli/action/cache-library.ts' },
    outdir: out,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'warning',
    supported: { 'dynamic-import': false },
    define: {
      BINFMTCTL_VERSION: JSON.stringify(version),
      'import.meta.dirname': '__dirname',
      'import.meta.url': 'moduleUrl',
    },
    // CommonJS has no import.meta.
    banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
    plugins: [apart, warnings, withoutTar, withoutTokens],
  });
  for (const name of readdirSync(built).filter((each) => /\.(?:cjs|json)$/.test(each)))
    cpSync(join(built, name), join(out, name));
  const command = readFileSync(join(built, NOTICES), 'utf8');
  writeFileSync(join(out, NOTICES), noticesOf(librariesOf(metafile), command));
  return readdirSync(out);
}

/** Parts of the command are there already; the cache is a file of its own. */
const apart = {
  name: 'apart',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/parts\/operations\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './operations.cjs', external: true } : null,
    );
    onResolve({ filter: /\/cache-library\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './actions-cache.cjs', external: true } : null,
    );
  },
};

/** The library's archives are tar files, which it extracts to whatever paths they name, before anything is verified. */
const withoutTar = {
  name: 'without-tar',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/internal\/tar\.js$/ }, ({ importer }) =>
      /@actions\/cache\//.test(importer) ? { path: join(ROOT, 'src/cli/action/cache-archive.ts') } : null,
    );
  },
};

/** A cache that fails is no error: its library would say so where the service has one. */
const warnings = {
  name: 'warnings',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^@actions\/core$/ }, ({ importer }) =>
      /@actions\/cache\//.test(importer) ? { path: 'core', namespace: 'warnings' } : null,
    );
    onLoad({ filter: /.*/, namespace: 'warnings' }, () => ({
      contents: "export * from '@actions/core'; export { warning as error } from '@actions/core';",
      resolveDir: ROOT,
    }));
  },
};

/** For tokens of OpenID Connect, which we do not ask for, the runner's library brings an HTTP client along. */
const withoutTokens = {
  name: 'without-tokens',
  setup: ({ onLoad }) => {
    onLoad({ filter: /@actions\/core\/lib\/oidc-utils\.js$/ }, () => ({
      contents: 'export class OidcClient {}',
    }));
  },
};

if (basename(process.argv[1] ?? '') === 'build-action.mjs') {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error('which folder? node scripts/build-action.mjs DIR');
  console.log((await buildAction(folder)).join('\n'));
}
