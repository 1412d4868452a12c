import { basename, extname, join } from 'node:path';
import { parseProfile } from '../catalogue/profile/schema.ts';
import type { Profile } from '../catalogue/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { fileError } from '../system/file/file-error.ts';
import { listFiles } from '../system/file/files.ts';
import { readSmall } from '../system/file/read-small.ts';
import { parseYaml, problemText } from '../text/yaml.ts';

/** A profile with its file. */
export interface ReadProfile {
  readonly file: string;
  readonly profile: Profile;
  /** The line of a part of the document, from 1; if the part is missing, the line of its closest parent. */
  readonly lineOf: (path: readonly (string | number)[]) => number;
}

/** A problem in a file. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** In bytes; profiles have a few kilobytes. Parsing time is quadratic in the number of distinct keys. */
const MAX_SIZE = 1 << 15;
const SUBDIRECTORIES = ['', 'arch', 'format', 'emulator'];

/**
 * Reads every `.yaml` and `.yml` file in a directory and in its subdirectories `arch`, `format` and `emulator`. Reports
 * all problems of invalid files and continues with the others. Never throws for a file.
 *
 * @throws BAD_PROFILE if the directory does not exist.
 */
export async function readProfiles(
  directory: string,
): Promise<{ readonly profiles: readonly ReadProfile[]; readonly problems: readonly Problem[] }> {
  const lists = await Promise.all(
    SUBDIRECTORIES.map((name) => filesIn(join(directory, name), { required: name === '' })),
  );
  const files = lists.flat().filter((file) => ['.yaml', '.yml'].includes(extname(file)));
  const results = await Promise.all(files.map(readProfile));
  const profiles = results.flatMap((result) => ('profile' in result ? [result] : []));
  const problems = results.flatMap((result) => ('problems' in result ? result.problems : []));
  return { profiles, problems: [...problems, ...duplicates(profiles)] };
}

/** Reports profiles with the same kind and id in one directory: which of them takes effect would be arbitrary. */
function duplicates(profiles: readonly ReadProfile[]): readonly Problem[] {
  const first = new Map<string, string>();
  return profiles.flatMap(({ file, profile: { kind, id }, lineOf }) => {
    const other = first.get(`${kind} ${id}`);
    if (other === undefined) first.set(`${kind} ${id}`, file);
    return other === undefined
      ? []
      : [{ file, line: lineOf(['id']), message: `id: ${kind} ${id} is also defined in ${other}` }];
  });
}

async function filesIn(
  directory: string,
  { required }: { readonly required: boolean },
): Promise<readonly string[]> {
  try {
    return await listFiles(directory, { required });
  } catch (cause) {
    throw new BinfmtctlError('BAD_PROFILE', `cannot read the profiles in ${directory}`, {
      hint: 'use a directory of YAML files; `binfmtctl catalogue show ARCH` prints an example',
      cause,
    });
  }
}

/** Reads a profile, or all problems of the file. Never throws. */
export async function readProfile(
  file: string,
): Promise<ReadProfile | { readonly problems: readonly Problem[] }> {
  const failed = (line: number, message: string) => ({ problems: [{ file, line, message }] });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readSmall(file, MAX_SIZE));
  } catch (error) {
    const isText = !(error instanceof TypeError);
    return failed(1, isText ? fileError(error, `read ${file}`).message : 'is not UTF-8 text');
  }
  const document = await parseYaml(text);
  if ('problems' in document) return { problems: document.problems.map((problem) => ({ file, ...problem })) };
  const { value, lineOf } = document;
  const { profile, problems } = parseProfile(value);
  if (profile === null)
    return {
      problems: problems.map(({ path, message }) => ({
        file,
        line: lineOf(path),
        message: problemText(path, message),
      })),
    };
  const name = basename(file, extname(file));
  if (profile.id !== name)
    return failed(lineOf(['id']), `id: is ${profile.id}, but the file name is ${basename(file)}`);
  return { file, profile, lineOf };
}
