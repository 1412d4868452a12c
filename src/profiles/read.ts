import { basename, extname, join } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import { parseProfile } from '../catalogue/schema.ts';
import type { Profile } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file-error.ts';
import { listFiles } from '../system/files.ts';
import { readSmall } from '../system/read-small.ts';

/** A profile with its file. */
export interface ReadProfile {
  readonly file: string;
  readonly profile: Profile;
  /** The line of a part of the document, counted from 1; that of the nearest part around it where it is absent. */
  readonly lineOf: (path: readonly (string | number)[]) => number;
}

/** Something wrong in a file. */
export interface Problem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** Profiles are of a few kilobytes; the time to read keys that are all different grows with the square of their number. */
const MAX_SIZE = 1 << 15;
/** A document of a few lines can grow to gigabytes through aliases of aliases. */
const MAX_ALIASES = 50;
const FOLDERS = ['', 'arch', 'format', 'emulator'];

/**
 * Reads every `.yaml` and `.yml` file of a folder, and of its folders `arch`, `format` and `emulator`. What is no
 * profile is a problem, with every reason, and does not keep the others from being read. Never throws for a file.
 *
 * @throws BAD_PROFILE where there is no such folder.
 */
export async function readProfiles(
  directory: string,
): Promise<{ readonly profiles: readonly ReadProfile[]; readonly problems: readonly Problem[] }> {
  const lists = await Promise.all(FOLDERS.map((folder) => filesIn(join(directory, folder), folder === '')));
  const files = lists.flat().filter((file) => ['.yaml', '.yml'].includes(extname(file)));
  const results = await Promise.all(files.map(readProfile));
  const profiles = results.flatMap((result) => ('profile' in result ? [result] : []));
  const problems = results.flatMap((result) => ('problems' in result ? result.problems : []));
  return { profiles, problems: [...problems, ...saidTwice(profiles)] };
}

/** Profiles that a folder has another file for: which of the two would count, nobody could see. */
function saidTwice(profiles: readonly ReadProfile[]): readonly Problem[] {
  const first = new Map<string, string>();
  return profiles.flatMap(({ file, profile: { kind, id }, lineOf }) => {
    const other = first.get(`${kind} ${id}`);
    if (other === undefined) first.set(`${kind} ${id}`, file);
    return other === undefined
      ? []
      : [{ file, line: lineOf(['id']), message: `id: ${kind} ${id} is in ${other} too` }];
  });
}

async function filesIn(directory: string, required: boolean): Promise<readonly string[]> {
  try {
    return await listFiles(directory, { required });
  } catch (cause) {
    throw new BinfmtctlError('BAD_PROFILE', `cannot read the profiles in ${directory}`, {
      hint: 'name a folder of YAML files, as docs/catalogue.md describes them',
      cause,
    });
  }
}

/** Reads one file: its profile, or everything that is wrong with it. Never throws. */
export async function readProfile(
  file: string,
): Promise<ReadProfile | { readonly problems: readonly Problem[] }> {
  const failed = (line: number, message: string) => ({ problems: [{ file, line, message }] });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readSmall(file, MAX_SIZE));
  } catch (error) {
    const isText = !(error instanceof TypeError);
    return failed(1, isText ? fileError(error, `read ${file}`).message : 'is no UTF-8 text');
  }
  const { LineCounter: Counter, parseDocument } = await import('yaml');
  const counter = new Counter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: 'error' });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map(({ pos, code, message }) => ({
        file,
        line: counter.linePos(pos[0]).line,
        message: code === 'RESOURCE_EXHAUSTION' ? 'is nested too deeply' : message,
      })),
    };
  }
  const value = plainOf(document);
  if ('problem' in value) return failed(1, value.problem);
  const lineOf = (path: readonly (string | number)[]): number => lineIn(document, counter, path);
  const { profile, problems } = parseProfile(value.value);
  if (profile === null)
    return {
      problems: problems.map(({ path, message }) => ({
        file,
        line: lineOf(path),
        message: worded(path, message),
      })),
    };
  const name = basename(file, extname(file));
  if (profile.id !== name)
    return failed(lineOf(['id']), `id: is ${profile.id}, but the file is called ${basename(file)}`);
  return { file, profile, lineOf };
}

function plainOf(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** `layouts.0.paths: must be a list`. */
export const worded = (path: readonly (string | number)[], message: string): string =>
  path.length === 0 ? message : `${path.join('.')}: ${message}`;

/** Where the key of the last part stands that is there, or the item of a list. */
function lineIn(document: Document, counter: LineCounter, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return counter.linePos(offset).line;
  }
  return 1;
}

function offsetOf(document: Document, path: readonly (string | number)[]): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  const items = hasItems(parent) ? parent.items : [];
  const item =
    typeof last === 'number' ? items[last] : items.find((each) => isPair(each) && String(each.key) === last);
  return rangeOf(isPair(item) ? item.key : item);
}

const hasItems = (node: unknown): node is { readonly items: readonly unknown[] } =>
  typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items);

const isPair = (node: unknown): node is { readonly key: unknown } =>
  typeof node === 'object' && node !== null && 'key' in node;

const rangeOf = (node: unknown): number | undefined =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : undefined;
