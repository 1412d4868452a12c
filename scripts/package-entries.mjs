// Writes the library's entry points in dist/, for import and require(), and their types.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { bundleTypes } from './types/bundle.mjs';
import { withDeclarations } from './types/emit.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

/**
 * Writes both entry points. They load operations.cjs, as the commands do, and export the same names as src/index.ts.
 * `options` are those of esbuild.
 */
export async function writeEntries(options, { withTypes }) {
  const names = (await exportedNames(options)).join(', ');
  writeFileSync(
    join(DIST, 'index.mjs'),
    `import { library } from './operations.cjs';\nexport const { ${names} } = library;\n`,
  );
  writeFileSync(
    join(DIST, 'index.cjs'),
    `const { ${names} } = require('./operations.cjs').library;\nmodule.exports = { ${names} };\n`,
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
  writeFileSync(join(DIST, 'index.d.cts'), withDeclarations(bundleTypes));
  writeFileSync(join(DIST, 'index.d.mts'), "export * from './index.cjs';\n");
}
