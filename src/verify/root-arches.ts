import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { archOfHeader } from '../catalogue/resolve.ts';
import type { Arch, Catalogue } from '../catalogue/types.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import { tryReadHead } from '../system/file/head.ts';
import { resolveInRoot } from '../system/file/root-path.ts';
import { findProgram } from '../system/process/locate-program.ts';

/** The architectures of a root's shell and loaders; empty if it has neither. */
export async function archesOfRoot(root: string, catalogue: Catalogue): Promise<readonly Arch[]> {
  const where = { root, path: '', workdir: '/' };
  const shell = await findProgram('/bin/sh', where).then(
    ({ head }) => [head],
    () => [],
  );
  const heads = [...shell, ...loadersIn(root).flatMap((path) => tryReadHead(path, HEAD_SIZE) ?? [])];
  return [...new Set(heads.flatMap((head) => archOfHeader(catalogue, head) ?? []))];
}

/** Dynamic loaders in a root: `/lib/ld-*` or `/lib64/ld*`, as defined by each psABI. */
function loadersIn(root: string): readonly string[] {
  return ['lib', 'lib32', 'lib64', 'libx32'].flatMap((directory) => {
    const path = resolveInRoot(root, `/${directory}`);
    const names = path === null ? [] : namesIn(path);
    const loaders = names.filter((name) => /^ld(?:64)?[-.]/.test(name));
    return loaders.flatMap((name) => resolveInRoot(root, join('/', directory, name)) ?? []);
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
