// The npm package: what is published differs from the repository by its manifest.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const FILES = ['dist', 'LICENSE', 'README.md'];

/** Packs dist/ as it is. Returns the tarball's path, size in bytes and number of files. */
export function packPackage(destination) {
  const work = mkdtempSync(join(tmpdir(), 'binfmtctl-pack-'));
  try {
    for (const name of FILES) cpSync(join(ROOT, name), join(work, name), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    writeFileSync(join(work, 'package.json'), `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
    const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', destination];
    const stdio = ['ignore', 'pipe', 'ignore'];
    const [{ filename, size, entryCount }] = JSON.parse(
      execFileSync('npm', words, { cwd: work, encoding: 'utf8', stdio }),
    );
    return { file: join(destination, filename), size, entryCount };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The manifest without what only the repository needs. npm would run `prepare`, which builds, for a package that is installed from
 * a directory. The addresses follow from `repository`, so that its owner is named once.
 */
export function publishedManifest({ private: _, scripts, devDependencies, repository, ...manifest }) {
  const [, name] = /^github:([\w.-]+\/[\w.-]+)$/.exec(repository) ?? [];
  if (name === undefined)
    throw new Error(`package.json: "repository" must be "github:OWNER/NAME", not ${repository}`);
  const address = `https://github.com/${name}`;
  return {
    ...manifest,
    homepage: `${address}#readme`,
    repository: { type: 'git', url: `git+${address}.git` },
    bugs: { url: `${address}/issues` },
  };
}
