// Creates hundreds of mutants of the code that decides about rules and steps, and counts how many the unit tests detect.
//   node scripts/mutation.mjs [FILE...]
// Prints the mutants that no test detects. Exits 1 if the tests detect less than FLOOR percent of a directory's mutants.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { mutate } from './mutation/mutants.mjs';
import { baseline, kills, loadSuite } from './mutation/suite.mjs';

delete process.env.NODE_EXTRA_CA_CERTS;

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const FLOOR = 90;

/** Files without I/O. Kernel tests cover the others, but are too slow for hundreds of mutants. */
const SUBJECTS = {
  'src/rule': typescriptIn('src/rule').filter((name) => !/types\.ts$/.test(name)),
  'src/state': ['journal', 'plan-rules', 'registration', 'replacement', 'steps', 'transaction', 'warnings'],
  'src/safety': ['hidden-entries', 'interpreter-chain', 'pattern-safety'],
  'src/install': ['plan', 'plan-uninstall'],
};

// Use the same random inputs for all mutants, and do not shrink failing ones.
fc.configureGlobal({ seed: 1, endOnFailure: true });
const named = process.argv.slice(2);
const { mutants, texts } = mutateAll(named.length > 0 ? named : subjects());
const suites = await loadSuites(texts);
const survivors = [];
for (const mutant of mutants) {
  if (await isDetected(mutant)) continue;
  survivors.push(mutant);
  const [original, replacement] = [mutant.original, mutant.replacement].map((text) =>
    text.replace(/\s+/g, ' ').slice(0, 70),
  );
  console.log(`${mutant.path}:${mutant.line}: ${original}  ⟶  ${replacement}`);
}
report();

function subjects() {
  return Object.entries(SUBJECTS).flatMap(([directory, names]) =>
    names.map((name) => join(directory, `${name.replace(/\.ts$/, '')}.ts`)),
  );
}

function mutateAll(files) {
  const mutants = [];
  const texts = new Map();
  for (const file of files) {
    const made = mutate(file, readFileSync(join(ROOT, file), 'utf8'), mutants.length);
    mutants.push(...made.mutants);
    texts.set(join(ROOT, file), made.text);
  }
  return { mutants, texts };
}

async function loadSuites(texts) {
  const loaded = [];
  for (const name of typescriptIn('test/unit').filter((each) => each.endsWith('.test.ts'))) {
    const suite = await loadSuite(ROOT, join('test/unit', name), texts);
    if (suite.sources.length > 0) loaded.push({ suite, base: await baseline(suite) });
  }
  return loaded;
}

/** Runs the tests of the source's directory first: they are the most likely to detect the mutant. */
async function isDetected({ id, path }) {
  const beside = dirname(path).replace('src', 'test/unit');
  const isBeside = ({ suite }) => suite.file.startsWith(`${beside}/`);
  const reaching = suites.filter(({ base }) => base.reached.has(id));
  for (const { suite, base } of [...reaching.filter(isBeside), ...reaching.filter((each) => !isBeside(each))])
    if (await kills(suite, base, id)) return true;
  return false;
}

function report() {
  const directories = new Set(mutants.map(({ path }) => path.split('/').slice(0, 2).join('/')));
  for (const directory of [...directories, 'src']) {
    const isBelow = ({ path }) => path.startsWith(`${directory}/`);
    const [all, alive] = [mutants, survivors].map((list) => list.filter(isBelow).length);
    const percent = (100 * (all - alive)) / all;
    console.log(`${directory}: ${all - alive} of ${all} mutants detected, ${percent.toFixed(1)} %`);
    if (percent < FLOOR) process.exitCode = 1;
  }
}

function typescriptIn(directory) {
  return readdirSync(join(ROOT, directory), { recursive: true }).filter((name) => name.endsWith('.ts'));
}
