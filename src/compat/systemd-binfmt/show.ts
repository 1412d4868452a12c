/** `--cat-config` and `--tldr`, as systemd's src/shared/pretty-print.c cat_files() prints them. */
import { type Stats, statSync } from 'node:fs';
import { readFileAt } from '../../boot/binfmt-d-files.ts';
import { isComment, splitLines } from '../../file-format/binfmt-d.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { pathBytes } from '../../system/file/path-bytes.ts';
import { strerror } from '../../system/strerror.ts';
import type { Complaints } from './apply.ts';
import { realPath, shownConfigPaths } from './config-files.ts';

export interface ShownConfig extends Complaints {
  readonly text: string;
  /** Whether every file is shown. systemd-binfmt does not say that it leaves out a directory or a pipe. */
  readonly complete: boolean;
}

/** The files of the directories, as they are; with `tldr` without comments and empty lines. */
export function showBinfmtD({ tldr }: { readonly tldr: boolean }): ShownConfig {
  const { paths, warnings } = shownConfigPaths();
  const sections = paths.map((path) => sectionOf(path, { tldr }));
  return {
    text: sections.flatMap(({ text }) => text ?? []).join('\n'),
    complete: sections.every(({ text, error }) => text !== null && error === null),
    warnings,
    errors: sections.flatMap(({ error }) => error ?? []),
  };
}

interface ShownSection {
  /** Null for a file that is not shown. */
  readonly text: string | null;
  readonly error: string | null;
}

function sectionOf(path: string, { tldr }: { readonly tldr: boolean }): ShownSection {
  const facts = statOf(path);
  if (typeof facts === 'string') return { text: null, error: `Failed to chase '${path}': ${facts}` };
  if (facts.isCharacterDevice() || (facts.isFile() && facts.size === 0))
    return { text: `# ${path} is a mask.\n`, error: null };
  const file = facts.isFile() ? readFileAt(path) : null;
  if (file === null) return { text: null, error: null };
  if ('complaint' in file) return { text: null, error: file.complaint };
  const { lines, cut } = splitLines(file.bytes);
  const target = realPath(path);
  const shown = tldr ? lines.filter((line) => !isComment(line)) : lines;
  return {
    text: [`# ${path}${target === path ? '' : ` -> ${target}`}`, ...shown]
      .map((line) => `${line}\n`)
      .join(''),
    error: cut ? `Failed to read "${path}": ${strerror('ENOBUFS')}` : null,
  };
}

function statOf(path: string): Stats | string {
  try {
    return statSync(pathBytes(path));
  } catch (error) {
    return strerror(errnoOf(error) ?? 'EIO');
  }
}
