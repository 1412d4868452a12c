/** Paths on the command line: one rule for all options, whichever command has them. */
import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { BinfmtctlError } from '../errors.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { COMMON_OPTIONS } from './grammar/common.ts';
import { parseFlags } from './grammar/flags.ts';
import type { ParsedCommand } from './grammar/parse.ts';
import type { CommandDescription, PathKind } from './grammar/types.ts';

/**
 * Refuses a path that does not exist, or that is a file where a directory is needed: the command line is wrong then, whatever
 * the command would do with it. What may be at a path that exists is up to the command.
 *
 * @throws USAGE
 */
export function requirePaths(command: CommandDescription, { options, words }: ParsedCommand): void {
  for (const { long, key, details } of [...command.options, ...COMMON_OPTIONS].map(parseFlags)) {
    const given = options[key];
    if (details.path === undefined || given === undefined || given === details.default) continue;
    for (const path of [given].flat()) requirePath(String(path), details.path, long);
  }
  for (const [index, [word, , path]] of command.words.entries()) {
    if (path === undefined) continue;
    const given = word.includes('...') ? words.slice(index) : words.slice(index, index + 1);
    for (const each of given) requirePath(each, path, null);
  }
}

function requirePath(path: string, kind: PathKind, option: string | null): void {
  if (path === '') return;
  const wrong = problemOf(path, kind);
  if (wrong === null) return;
  throw new BinfmtctlError('USAGE', `${option === null ? '' : `${option}: `}${wrong}`);
}

function problemOf(path: string, kind: PathKind): string | null {
  if (kind === 'new file') return problemOf(dirname(path), 'directory');
  const facts = factsOf(path);
  if (facts === 'unknown') return null;
  if (facts === 'below a file') return `a part of the path is not a directory: ${path}`;
  if (facts === 'missing' && kind === 'new directory') return null;
  if (facts === 'missing')
    return `no such ${kind === 'directory' ? 'directory' : 'file or directory'}: ${path}`;
  return kind === 'existing' || facts.isDirectory() ? null : `not a directory: ${path}`;
}

/** Other failures, such as a directory that may not be searched, are not about the command line. */
function factsOf(path: string): Stats | 'missing' | 'below a file' | 'unknown' {
  try {
    return statSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    return errno === 'ENOENT' ? 'missing' : errno === 'ENOTDIR' ? 'below a file' : 'unknown';
  }
}
