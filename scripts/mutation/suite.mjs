// Bundles a unit test file with the mutated sources that it imports into one script. The script is evaluated again for every mutant, so
// that code that runs when a module is loaded is mutated as well.
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { Script } from 'node:vm';
import { build } from 'esbuild';
import { testApi } from './vitest.mjs';

/** A test that makes this many times its usual calls is treated as an endless loop. */
const LOOP = 50;
const FEWEST_CALLS = 20_000;

/** Bundles a test file. `mutated` maps absolute paths to the texts that replace the files. */
export async function loadSuite(root, file, mutated) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [file],
    bundle: true,
    write: false,
    metafile: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
    define: { 'import.meta.dirname': JSON.stringify(join(root, dirname(file))) },
    plugins: [
      {
        name: 'mutants',
        setup: ({ onLoad, onResolve }) => {
          onLoad({ filter: /\.ts$/ }, ({ path }) =>
            mutated.has(path) ? { contents: mutated.get(path), loader: 'ts' } : null,
          );
          onResolve({ filter: /\/builtin\.json$/ }, () => ({
            path: join(root, 'src/profiles/builtin.json'),
            external: true,
          }));
        },
      },
    ],
  });
  const sources = Object.keys(metafile.inputs).filter((path) => mutated.has(join(root, path)));
  const wrapped = `(function (require, module, exports, mutant) {${outputFiles[0].text}\n})`;
  const evaluate = new Script(wrapped, { filename: relative(root, file) }).runInThisContext();
  return { file, sources, load: loader(root, file, evaluate) };
}

function loader(root, file, evaluate) {
  const require = createRequire(join(root, file));
  return (mutant) => {
    const { api, tests } = testApi();
    const module = { exports: {} };
    evaluate((name) => (name === 'vitest' ? api : require(name)), module, module.exports, mutant);
    return tests;
  };
}

/** Runs all tests without a mutant. Returns the mutants that each test reaches, and its duration. */
export async function baseline({ file, load }) {
  const reached = new Set();
  let calls = 0;
  const record = (id) => {
    calls += 1;
    reached.add(id);
    return false;
  };
  const tests = load(record);
  const atLoad = new Set(reached);
  const results = [];
  for (const [index, { name, run }] of tests.entries()) {
    reached.clear();
    calls = 0;
    const began = performance.now();
    try {
      await run();
    } catch (error) {
      throw new Error(`${file}: ${name} fails without a mutant`, { cause: error });
    }
    results.push({ index, ids: new Set(reached), calls, ms: performance.now() - began });
  }
  const all = new Set(atLoad);
  for (const { ids } of results) for (const id of ids) all.add(id);
  return { atLoad, reached: all, tests: results };
}

/** Whether a test of the suite fails with the mutant. */
export async function kills({ load }, { atLoad, tests }, id) {
  let calls = 0;
  let limit = Number.POSITIVE_INFINITY;
  const mutant = (each) => {
    calls += 1;
    if (calls > limit) throw new Error('endless loop');
    return each === id;
  };
  const isAtLoad = atLoad.has(id);
  const chosen = tests.filter(({ ids }) => isAtLoad || ids.has(id)).sort((a, b) => a.ms - b.ms);
  try {
    limit = FEWEST_CALLS * LOOP;
    const loaded = load(mutant);
    if (loaded.length !== tests.length) return true;
    for (const { index, calls: usual } of chosen) {
      calls = 0;
      limit = Math.max(usual, FEWEST_CALLS) * LOOP;
      await loaded[index].run();
    }
    return false;
  } catch {
    return true;
  }
}
