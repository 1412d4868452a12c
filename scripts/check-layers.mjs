// Fails on an import from right to left of the architecture's layers, on an import cycle, and on I/O in a pure folder.
//   node scripts/check-layers.mjs
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = resolve(dirname(fileURLToPath(import.meta.url)), '../src');

// What a folder may import besides itself.
const PURE = ['errors', 'elf', 'rule', 'formats', 'catalogue', 'plan'];
const OUTSIDE = ['profiles', 'kernel', 'emulators'];
const MAY_IMPORT = {
  errors: [],
  elf: ['errors'],
  rule: ['errors', 'elf'],
  formats: ['errors', 'elf', 'rule'],
  catalogue: ['errors', 'elf', 'rule'],
  plan: ['errors', 'elf', 'rule', 'formats', 'catalogue'],
  system: PURE,
  ...Object.fromEntries(OUTSIDE.map((folder) => [folder, [...PURE, 'system']])),
  operations: [...PURE, 'system', ...OUTSIDE],
  cli: [...PURE, 'system', ...OUTSIDE, 'operations', 'index'],
  index: [...PURE, 'system', ...OUTSIDE, 'operations'],
};

const files = readdirSync(SOURCE, { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(SOURCE, name));
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const problems = [...files.flatMap(layerProblems), ...cycles()];
for (const problem of problems) console.error(problem);
console.log(`layers: ${files.length} files, ${problems.length} problems`);
process.exit(problems.length > 0 ? 1 : 0);

function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|(?:^|\n)import\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;
  const all = [...text.matchAll(pattern)].map((match) => ({
    name: match[1] ?? match[2] ?? match[3],
    type: /^\s*(?:import|export)\s+type\s/.test(match[0]),
    lazy: match[3] !== undefined,
  }));
  return { text, all };
}

function layerProblems(file) {
  const folder = folderOf(file);
  const { text, all } = imports.get(file);
  const where = relative(SOURCE, file);
  const allowed = MAY_IMPORT[folder];
  if (!allowed) return [`${where}: folder ${folder} is not in the architecture`];
  const crossing = all
    .filter(({ name }) => name.startsWith('.'))
    .map(({ name }) => folderOf(resolve(dirname(file), name)))
    .filter((target) => target !== folder && !allowed.includes(target))
    .map((target) => `${where}: ${folder} must not import ${target}`);
  if (!PURE.includes(folder)) return crossing;
  const impure = all
    .filter(({ name }) => name.startsWith('node:'))
    .map(({ name }) => `${where}: pure code must not import ${name}`);
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return [
    ...crossing,
    ...impure,
    ...(/\bprocess\./.test(code) ? [`${where}: pure code must not read process`] : []),
  ];
}

// Imports of types alone, and those made on demand, cannot make a cycle at load time.
function cycles() {
  const done = new Set();
  const found = [];
  const visit = (file, trail) => {
    if (trail.includes(file))
      return found.push(
        `cycle: ${[...trail.slice(trail.indexOf(file)), file].map((each) => relative(SOURCE, each)).join(' → ')}`,
      );
    if (done.has(file)) return;
    for (const { name, type, lazy } of imports.get(file)?.all ?? []) {
      if (name.startsWith('.') && !type && !lazy) visit(resolve(dirname(file), name), [...trail, file]);
    }
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

function folderOf(file) {
  return relative(SOURCE, file).split('/')[0].replace(/\.ts$/, '');
}
