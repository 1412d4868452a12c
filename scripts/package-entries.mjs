// Writes the library's entry points in dist/, for import and require(), and their types.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const RELATIVE_IMPORT = /((?:from |import\()['"]\.[^'"]+)\.ts(['"])/g;

/**
 * Writes both entry points. They load operations.cjs, as the commands do, and export the same names as src/index.ts.
 * `options` are those of esbuild.
 */
export async function writeEntries(options, { withTypes }) {
  const names = (await exportedNames(options)).join(', ');
  writeFileSync(join(DIST, 'index.mjs'), `export { ${names} } from './operations.cjs';\n`);
  writeFileSync(
    join(DIST, 'index.cjs'),
    `const { ${names} } = require('./operations.cjs');\nmodule.exports = { ${names} };\n`,
  );
  if (withTypes) writeTypes();
}

async function exportedNames(options) {
  const { metafile } = await build({
    ...options,
    format: 'esm',
    write: false,
    metafile: true,
    entryPoints: ['src/index.ts'],
    outfile: 'dist/none.js',
  });
  const [output] = Object.values(metafile.outputs);
  return output.exports;
}

/** Writes types as CommonJS, like the code, so that both modules and scripts can import them. */
function writeTypes() {
  const types = join(DIST, 'types');
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.types.json'], { cwd: ROOT, stdio: 'inherit' });
  removeUnreachable(types);
  for (const name of typesIn(types)) {
    const file = join(types, name);
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(RELATIVE_IMPORT, '$1.js$2'));
  }
  writeFileSync(join(types, 'package.json'), '{ "type": "commonjs" }\n');
  for (const name of ['index.d.mts', 'index.d.cts'])
    writeFileSync(join(DIST, name), "export * from './types/index.js';\n");
}

/** tsc writes the types of every module. The public API needs a third of them. */
function removeUnreachable(folder) {
  const reached = new Set();
  const reach = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.ts['"]/g))
      reach(resolve(folder, file, '..', `${name}.d.ts`));
  };
  reach(join(folder, 'index.d.ts'));
  for (const name of typesIn(folder)) if (!reached.has(join(folder, name))) rmSync(join(folder, name));
}

const typesIn = (folder) => readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.d.ts'));
