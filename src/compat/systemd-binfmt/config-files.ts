/** The files of binfmt.d under the paths that systemd-binfmt shows. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type ConfigPaths, findConfigPaths } from '../../boot/binfmt-d-files.ts';
import { decodeText } from '../../rule/text.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';

/** As `findConfigPaths`, with the links of directories resolved. */
export function shownConfigPaths(): ConfigPaths {
  const { paths, warnings } = findConfigPaths();
  const directories = new Map(
    [...new Set(paths.map((path) => dirname(path)))].map((each) => [each, realPath(each)]),
  );
  return {
    paths: paths.map((path) => join(directories.get(dirname(path)) ?? dirname(path), basename(path))),
    warnings,
  };
}

/** The path without links. Errors are Node's own. */
export const realPath = (path: string): string => decodeText(realpathSync.native(pathBytes(path), 'buffer'));
