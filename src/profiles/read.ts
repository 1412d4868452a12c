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
  const lists = await Promise.all(
    FOLDERS.map((folder) => filesIn(join(directory, folder), { required: folder === '' })),
  );
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

async function filesIn(
  directory: string,
  { required }: { readonly required: boolean },
): Promise<readonly string[]> {
  try {
    return await listFiles(directory, { required });
  } catch (cause) {
    throw new BinfmtctlError('BAD_PROFILE', `cannot read the profiles in ${directory}`, {
      hint: 'name a directory of YAML files; `binfmtctl catalogue show ARCH` prints a profile',
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
    return failed(lineOf(['id']), `id: is ${profile.id}, but the file is called ${basename(file)}`);
  return { file, profile, lineOf };
}
