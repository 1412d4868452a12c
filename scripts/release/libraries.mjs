// Finds the npm packages in a bundle, and the notices that their licences require.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
/** The name of the file next to the bundled code. */
export const NOTICES = 'THIRD-PARTY-NOTICES';
const HEADER = 'Third-party software that is bundled with binfmtctl.\n\n';
const LEGAL_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/**
 * Returns the packages with code in the output of esbuild, each name and version once.
 * @param metafiles the metafiles of the builds
 */
export function librariesOf(...metafiles) {
  const inputs = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap((output) => Object.entries(output.inputs))
    // Code that the bundler dropped needs no notice.
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const folders = inputs.map(
    ([path]) => /^(?:.*:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? '',
  );
  const libraries = [...new Set(folders)].filter(Boolean).map(libraryIn);
  const unique = new Map(libraries.map((library) => [titleOf(library), library]));
  return [...unique.values()].toSorted((a, b) => (titleOf(a) < titleOf(b) ? -1 : 1));
}

/** Returns the text of the file NOTICES. `others` are texts of such files whose sections are included. */
export function noticesOf(libraries, ...others) {
  const sections = [...libraries.map(sectionOf), ...others.flatMap(sectionsIn)];
  return [HEADER, ...[...new Set(sections)].toSorted()].join('');
}

/** Splits such a file into sections, which start with a line `=== NAME VERSION (LICENCE)`. */
export const sectionsIn = (notices) => notices.split(/^(?==== )/m).slice(1);

export const sectionOf = (library) => `${titleOf(library)}\n\n${library.text}\n\n`;

const titleOf = ({ name, version, license }) => `=== ${name} ${version} (${license})`;

function libraryIn(folder) {
  const path = join(ROOT, folder);
  const { name, version, license, author } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const files = readdirSync(path).filter((each) => LEGAL_FILE.test(each));
  const texts = files.toSorted().map((each) => readFileSync(join(path, each), 'utf8').trim());
  if (texts.length > 0) return { name, version, license, text: texts.join('\n\n') };
  // Some packages declare a licence without including its text.
  const holder = typeof author === 'string' ? author : author?.name;
  if (license !== 'MIT' || !holder)
    throw new Error(`the npm package ${name} ${version} is bundled, but has no licence text`);
  const terms = readFileSync(join(import.meta.dirname, 'MIT.txt'), 'utf8').trim();
  return { name, version, license, text: `Copyright (c) ${holder}\n\n${terms}` };
}
