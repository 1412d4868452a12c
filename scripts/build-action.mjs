// Builds the GitHub Action from a built dist/: DIR/dist/action.cjs, the runner's cache library, which is loaded on demand, and
// the command.
//   node scripts/build-action.mjs DIR
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { librariesOf, NOTICES, noticesOf } from './release/libraries.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Builds the action in a directory. Returns the names of the files in its dist/. */
export async function buildAction(directory) {
  const built = join(ROOT, 'dist');
  if (!existsSync(join(built, 'cli.cjs'))) throw new Error('dist/ is missing: run node scripts/build.mjs');
  const out = resolve(directory, 'dist');
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
    plugins: [separateFiles, warnings, withoutTar, withoutTokens],
  });
  for (const name of readdirSync(built).filter((each) => /\.(?:cjs|json)$/.test(each)))
    cpSync(join(built, name), join(out, name));
  const command = readFileSync(join(built, NOTICES), 'utf8');
  writeFileSync(join(out, NOTICES), noticesOf(librariesOf(metafile), command));
  return readdirSync(out);
}

/** Keeps the command's operations and the cache library in separate files. */
const separateFiles = {
  name: 'separate-files',
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/parts\/operations\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './operations.cjs', external: true } : null,
    );
    onResolve({ filter: /\/cache-library\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './actions-cache.cjs', external: true } : null,
    );
  },
};

/** Replaces the library's tar code, which extracts unverified archives to any path that they name. */
const withoutTar = {
  name: 'without-tar',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/internal\/tar\.js$/ }, ({ importer }) =>
      /@actions\/cache\//.test(importer) ? { path: join(ROOT, 'src/cli/action/cache-archive.ts') } : null,
    );
  },
};

/** Turns errors of the cache library into warnings: a failing cache must not fail the action. */
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

/** Drops the OpenID Connect client of the runner's library, which would bundle an HTTP client. */
const withoutTokens = {
  name: 'without-tokens',
  setup: ({ onLoad }) => {
    onLoad({ filter: /@actions\/core\/lib\/oidc-utils\.js$/ }, () => ({
      contents: 'export class OidcClient {}',
    }));
  },
};

if (basename(process.argv[1] ?? '') === 'build-action.mjs') {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) throw new Error('usage: node scripts/build-action.mjs DIR');
  console.log((await buildAction(directory)).join('\n'));
}
