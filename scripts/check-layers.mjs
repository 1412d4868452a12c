// Fails on an import that violates the order of the directories, an import cycle, a crowded directory, and I/O in a pure file.
//   node scripts/check-layers.mjs
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = resolve(dirname(fileURLToPath(import.meta.url)), '../src');

/** A directory may import only from itself and from earlier ones. */
const ORDER = [
  ...['errors', 'rule', 'elf', 'text', 'file-format', 'system', 'archive', 'binfmt', 'boot', 'catalogue'],
  ...[
    'context',
    'emulators',
    'profiles',
    'probe',
    'safety',
    'state',
    'verify',
    'net',
    'oci',
    'sources',
    'obtain',
  ],
  ...[
    'rootfs',
    'store',
    'lockfile',
    'install',
    'transfer',
    'emulation',
    'run',
    'enter',
    'compat',
    'library',
    'index',
    'cli',
  ],
];

/** Directories without I/O. Elsewhere, a file is pure if its first comment says `Pure`. */
const PURE = ['errors', 'rule', 'elf', 'text', 'file-format', 'catalogue'];
const PURE_FILE = /^\/\*\*(?:(?!\*\/)[\s\S])*\bPure\b/;

/** Maximum number of files in a directory. */
const MAX_FILES = 15;

const files = readdirSync(SOURCE, { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(SOURCE, name));
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const problems = [...files.flatMap(fileProblems), ...crowded(), ...cycles()];
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
  }));
  return { text, all };
}

function fileProblems(file) {
  const directory = directoryOf(file);
  const where = relative(SOURCE, file);
  if (!ORDER.includes(directory)) return [`${where}: ${directory} is missing in the order of directories`];
  const { text, all } = imports.get(file);
  const against = all
    .filter(({ name }) => name.startsWith('.'))
    .map(({ name }) => directoryOf(resolve(dirname(file), name)))
    .filter((target) => ORDER.indexOf(target) > ORDER.indexOf(directory))
    .map((target) => `${where}: ${directory} must not import ${target}`);
  return isPure(file) ? [...against, ...impurities(where, text, all)] : against;
}

function isPure(file) {
  return PURE.includes(directoryOf(file)) || PURE_FILE.test(imports.get(file)?.text ?? '');
}

function impurities(where, text, all) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
  return [
    ...all
      .filter(({ name, type }) => !type && name.startsWith('node:') && name !== 'node:path')
      .map(({ name }) => `${where}: pure code must not import ${name}`),
    ...(/\bprocess\./.test(code) ? [`${where}: pure code must not read process`] : []),
  ];
}

function crowded() {
  const counts = new Map();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > MAX_FILES)
    .map(
      ([directory, count]) => `${relative(SOURCE, directory)}: too many files (${count}); split by subject`,
    );
}

/** Dynamic imports count as well. Imports of types do not: they do not exist at run time. */
function cycles() {
  const done = new Set();
  const found = [];
  const visit = (file, trail) => {
    if (trail.includes(file)) {
      const names = [...trail.slice(trail.indexOf(file)), file].map((each) => relative(SOURCE, each));
      return found.push(`cycle: ${names.join(' → ')}`);
    }
    if (done.has(file)) return;
    for (const { name, type } of imports.get(file)?.all ?? [])
      if (name.startsWith('.') && !type) visit(resolve(dirname(file), name), [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

function directoryOf(file) {
  return relative(SOURCE, file).split('/')[0].replace(/\.ts$/, '');
}
