// The npm packages that a bundle consists of, with what their licences demand to be said.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** @param inputs the files that esbuild's metafile names */
export function librariesOf(inputs) {
  const folders = inputs.map(
    (path) => /^(?:.*:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? '',
  );
  return [...new Set(folders)].filter(Boolean).toSorted().map(libraryIn);
}

function libraryIn(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(ROOT, folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : readFileSync(join(ROOT, folder, file), 'utf8').trim();
  return { name, version, license, text: `=== ${name} ${version} (${license})\n\n${text}\n` };
}
