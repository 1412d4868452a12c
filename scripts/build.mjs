// Builds dist/: the command (CommonJS, because it starts faster than a module), the library and its types.
import { copyFileSync, promises, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { minify } from 'terser';
import { compileProfiles } from './compile-profiles.mjs';
import { leanUndici } from './lean-undici.mjs';
import { writeEntries } from './package-entries.mjs';
import { librariesOf, NOTICES, noticesOf } from './release/libraries.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { version } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'));

// cli.cjs answers `--version` and loads what a command needs: commands.cjs for most of our own, emulation.cjs for those that run
// programs, operations.cjs for what installs, and for what the others need later.
// They and the large libraries are files of their own, so that nobody reads what is not needed: a megabyte of source takes
// 60 ms to parse.
const PARTS = ['commands', 'emulation', 'operations', 'verify'];
// Commands that start fastest have a file with all that they need, and nothing else: to open one more takes as long as to read 20 kB.
const ALONE = ['status', 'drop-in'];
/** Which part has a module that is imported on demand. */
const PLACES = {
  ...Object.fromEntries([...PARTS, ...ALONE].map((name) => [`parts/${name}`, name])),
  'parts/preparation': 'operations',
  'emulation/on-demand': 'operations',
  'verify/on-demand': 'operations',
};
const LIBRARIES = ['execa', 'fzstd', 'listr2', 'tar-stream', 'undici', 'yaml'];
const apart = {
  name: 'apart',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /\/(parts\/[a-z-]+|on-demand)\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return null;
      const file = relative(resolve(ROOT, 'src'), resolve(resolveDir, path)).replace(/^cli\/|\.ts$/g, '');
      return { path: `./${PLACES[file]}.cjs`, external: true };
    });
    onResolve({ filter: /\/builtin\.json$/ }, ({ namespace, path }) =>
      namespace === 'catalogue'
        ? { path, external: true }
        : { path: './builtin.json', namespace: 'catalogue' },
    );
    // Read and parsed by who looks into it first: it takes 2 ms.
    onLoad({ filter: /.*/, namespace: 'catalogue' }, ({ path }) => ({
      contents: `const fs = require('node:fs');
        let all;
        for (const kind of ['arches', 'formats', 'emulators'])
          Object.defineProperty(exports, kind, { enumerable: true, get: () => (all ??= JSON.parse(fs.readFileSync(__dirname + '/${path}', 'utf8')))[kind] });`,
    }));
    onResolve({ filter: new RegExp(`^(${LIBRARIES.join('|')})$`) }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${path}.cjs`, external: true } : null,
    );
    // The library's `run` is there at once, and so is what it starts: execa is loaded with its first call.
    onResolve({ filter: /^execa$/ }, ({ importer, path }) =>
      importer.endsWith('subprocess.ts') ? { path, namespace: 'first-call' } : null,
    );
    onResolve({ filter: /^\.\/execa\.cjs$/, namespace: 'first-call' }, ({ path }) => ({
      path,
      external: true,
    }));
    onLoad({ filter: /.*/, namespace: 'first-call' }, () => ({
      contents: "exports.execa = (...words) => require('./execa.cjs').execa(...words);",
    }));
  },
};

// Node loads its streams with it, for 3 ms, and many a command never opens a file that way.
const lazyPromises = {
  name: 'lazy-promises',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:fs\/promises$/ }, ({ path }) => ({ path, namespace: 'lazily' }));
    onLoad({ filter: /.*/, namespace: 'lazily' }, () => ({
      contents: `const fs = require('node:fs');
        for (const name of ${JSON.stringify(Object.keys(promises))})
          Object.defineProperty(exports, name, { enumerable: true, get: () => fs.promises[name] });`,
    }));
  },
};

const shared = {
  absWorkingDir: ROOT,
  bundle: true,
  metafile: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
  // CommonJS has no import.meta.
  define: { BINFMTCTL_VERSION: JSON.stringify(version), 'import.meta.dirname': '__dirname' },
};

rmSync(resolve(ROOT, 'dist'), { recursive: true, force: true });
await compileProfiles();
const plugins = [apart, lazyPromises, leanUndici(ROOT)];
// import() of CommonJS makes Node scan all of it for its exports first; require() does not.
const supported = { 'dynamic-import': false };
const { metafile: commands } = await build({
  ...shared,
  format: 'cjs',
  supported,
  entryPoints: {
    cli: 'src/cli/main.ts',
    ...Object.fromEntries(ALONE.map((name) => [name, `src/cli/parts/${name}.ts`])),
    'run-detectors': 'src/cli/drop-in/run-detectors.ts',
    launcher: 'src/system/process/launcher.ts',
    ...Object.fromEntries(LIBRARIES.map((name) => [name, name])),
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  plugins,
});
// What the parts share is in files of its own, which esbuild makes of modules alone; hence the second step.
const { outputFiles, metafile: parts } = await build({
  ...shared,
  format: 'esm',
  splitting: true,
  write: false,
  entryPoints: Object.fromEntries(PARTS.map((name) => [name, `src/cli/parts/${name}.ts`])),
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  plugins,
});
const texts = new Map();
for (const { path, text } of outputFiles) {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minify: true,
    supported,
  });
  texts.set(basename(path), code);
}
for (const [name, code] of packed(texts, 'emulation.cjs')) writeFileSync(resolve(ROOT, 'dist', name), code);
copyFileSync(resolve(ROOT, 'src/profiles/builtin.json'), resolve(ROOT, 'dist/builtin.json'));
copyFileSync(resolve(ROOT, 'scripts/run-detectors'), resolve(ROOT, 'dist/run-detectors'));
writeFileSync(resolve(ROOT, 'dist', NOTICES), noticesOf(librariesOf(commands, parts)));
const isQuick = process.argv.includes('--quick');
await writeEntries({ ...shared, plugins }, { withTypes: !isQuick });
// The files that tests run may be larger.
if (!isQuick) {
  await Promise.all(
    readdirSync(resolve(ROOT, 'dist'))
      .filter((name) => name.endsWith('.cjs'))
      .map(shrink),
  );
}

/**
 * Puts all that one file shares with others into it: to open a file takes as long as to read 20 kB of code, and that file is
 * to start fast. Returns the files that are left, by name.
 */
function packed(files, first) {
  const chunk = /require\("\.\/(chunk-[^"]+)"\)/g;
  const inside = new Set([first]);
  for (const name of inside) for (const [, other] of files.get(name).matchAll(chunk)) inside.add(other);
  const linked = (code, link) =>
    code.replace(chunk, (whole, name) => (inside.has(name) ? link(JSON.stringify(name)) : whole));
  const parts = [...inside].map(
    (name) =>
      `${JSON.stringify(name)}(module,exports){${linked(files.get(name), (part) => `part(${part})`)}}`,
  );
  const pack = `"use strict";const known={},parts={${parts.join(',')}};
function part(name){const module=known[name]??={exports:{}};const load=parts[name];delete parts[name];load?.(module,module.exports);return module.exports}
module.exports={part,...part(${JSON.stringify(first)})};`;
  const others = [...files].filter(([name]) => !inside.has(name));
  const link = (part) => `require("./${first}").part(${part})`;
  return [[first, pack], ...others.map(([name, code]) => [name, linked(code, link)])];
}

/** esbuild is quick; terser leaves a twentieth less to fetch. */
async function shrink(name) {
  const file = resolve(ROOT, 'dist', name);
  const text = readFileSync(file, 'utf8');
  // By which Node tells the names of exports to modules; to terser it does nothing.
  const names = text.match(/0&&\(module\.exports=\{[^}]*\}\)/)?.[0] ?? '';
  const { code } = await minify(text, {
    compress: { passes: 3, ecma: 2020, toplevel: true },
    mangle: { toplevel: true },
    format: { comments: false },
  });
  writeFileSync(file, `${code}${names}\n`);
}
