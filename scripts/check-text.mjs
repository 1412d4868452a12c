// Checks the text that people read: spelling (cspell), Markdown (markdownlint), wordings to avoid, sentences, links.
//   node scripts/check-text.mjs              README, docs/, CONTRIBUTING, CHANGELOG, action.yml, Dockerfile
//   node scripts/check-text.mjs --source     also comments and strings of src/, scripts/, test/ and profiles/
//   node scripts/check-text.mjs FILE...      these alone
// Add words that cspell does not know to scripts/text/words.txt, or words-source.txt for sources, in order.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import process from 'node:process';
import { lint, readConfig } from 'markdownlint/sync';
import { markdownProblems } from './text/markdown.mjs';
import { sourceProblems } from './text/source.mjs';

const ROOT = resolve(import.meta.dirname, '..');
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs', 'action.yml', 'Dockerfile'];
const SOURCES = ['src', 'scripts', 'test', 'profiles'];
const SOURCE_NAME = /\.(?:m?ts|mjs|yaml)$|run-detectors$/;
/** Its strings are the wordings to avoid. */
const EXCEPT = 'scripts/text/telltales.mjs';

delete process.env.NODE_EXTRA_CA_CERTS;
process.chdir(ROOT);
const files = parseArguments(process.argv.slice(2));
const problems = [...files.flatMap(problemsOf), ...markdownlintProblems(files.filter(isMarkdown))];
for (const { file, line, text } of problems) console.error(`${file}:${line}: ${text}`);
const isSpelled = checkSpelling();
console.log(`text: ${files.length} files, ${problems.length} problems`);
process.exit(problems.length === 0 && isSpelled ? 0 : 1);

function parseArguments(words) {
  const withSource = words.includes('--source');
  const named = words.filter((word) => !word.startsWith('-'));
  if (words.some((word) => word.startsWith('-') && word !== '--source')) {
    console.error('usage: node scripts/check-text.mjs [--source] [FILE...]');
    process.exit(2);
  }
  const places = named.length > 0 ? named : [...DOCUMENTS, ...(withSource ? SOURCES : [])];
  return places.flatMap(filesBelow).toSorted();
}

function filesBelow(place) {
  if (!statSync(place).isDirectory()) return [relative(ROOT, resolve(place))];
  const isWanted = place === 'docs' ? isMarkdown : (name) => SOURCE_NAME.test(name);
  return readdirSync(place, { recursive: true })
    .filter(isWanted)
    .map((name) => join(place, name))
    .filter((name) => name !== EXCEPT);
}

function isMarkdown(name) {
  return name.endsWith('.md');
}

function problemsOf(file) {
  const found = isMarkdown(file) ? markdownProblems(file) : sourceProblems(file);
  return found.map((problem) => ({ file, ...problem }));
}

function markdownlintProblems(files) {
  const results = lint({ files, config: readConfig('scripts/text/markdownlint.json') });
  return Object.entries(results).flatMap(([file, found]) =>
    found.map(({ lineNumber, ruleNames, ruleDescription, errorDetail }) => ({
      file,
      line: lineNumber,
      text: [`${ruleNames.join('/')}: ${ruleDescription}`, errorDetail].filter(Boolean).join(': '),
    })),
  );
}

function checkSpelling() {
  const words = ['lint', '--config', 'scripts/text/cspell.json', '--no-progress', '--no-summary'];
  const cspell = join('node_modules', '.bin', 'cspell');
  const { status } = spawnSync(cspell, [...words, '--file-list', 'stdin'], {
    input: files.join('\n'),
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  return status === 0;
}
