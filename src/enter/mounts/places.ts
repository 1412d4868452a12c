/** Finds the mount points in a root. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { BinfmtctlError } from '../../errors.ts';
import { fileError } from '../../system/file/file-error.ts';
import { placeInRoot } from '../../system/file/root-path.ts';
import { flagsAt, submountsOf } from '../../system/namespace/mounts.ts';
import { awaitsSecondStage } from '../bootstrap.ts';
import type { EnterRequest } from '../types.ts';
import { missingFileWarning, missingPlacesWarning } from './missing-places.ts';
import { type Bind, MOUNT_PLACES, type MountPlace } from './root-mounts.ts';

export interface MountPlaces {
  readonly places: Readonly<Partial<Record<MountPlace, string>>>;
  readonly binds: readonly Bind[];
  /** Directories to create before anything is mounted, in an ephemeral root. */
  readonly madeFirst: readonly string[];
  /** Directories and files to create after the first mounts. */
  readonly made: { readonly directories: readonly string[]; readonly files: readonly string[] };
}

interface BindRequest {
  readonly source: string;
  /** Path inside the root. */
  readonly target: string;
  readonly readOnly: boolean;
  /** If the target is missing: fail, or warn with this consequence; empty for no warning. */
  readonly missing: 'refuse' | string;
}

const RESOLVER = 'host names are not resolved inside';

/**
 * Finds the mount points of a root for its own file systems and for bind mounts. Creates nothing in the root: a missing mount
 * point is skipped with a warning, or is an error if the user requested it.
 *
 * @throws USAGE, BAD_ROOT, FILE_FAILED for bind mounts.
 */
export function findPlaces(
  root: string,
  {
    binds,
    ephemeral,
    noNetwork,
    isImage,
  }: Pick<EnterRequest, 'binds' | 'ephemeral' | 'noNetwork' | 'isImage'>,
  { report }: Pick<Context, 'report'>,
): MountPlaces {
  const madeFirst: string[] = [];
  const made = { directories: [] as string[], files: [] as string[] };
  const places: Partial<Record<MountPlace, string>> = {};
  const absent: MountPlace[] = [];
  for (const place of MOUNT_PLACES) {
    const found = placeInRoot(root, `/${place}`);
    const inside = found === null ? '' : relative(root, found.path);
    if (found?.exists && inside !== '' && lstatSync(found.path).isDirectory()) places[place] = inside;
    else if (ephemeral && found !== null && !found.exists) {
      places[place] = inside;
      madeFirst.push(inside);
    } else absent.push(place);
  }
  const missed = absent.filter((place) => place !== 'proc' || !awaitsSecondStage(root));
  if (missed.length > 0)
    report({ kind: 'warning', text: missingPlacesWarning(root, missed, { ephemeral, isImage }) });
  if (places.run !== undefined) made.directories.push(`${places.run}/lock`);
  const requests = [...(noNetwork ? [] : resolverFiles()), ...binds.map(parseBind)];
  const bound = requests.flatMap((each): readonly Bind[] => {
    const found = placeInRoot(root, each.target);
    const target = found === null ? '' : relative(root, found.path);
    const directory = statSync(each.source).isDirectory();
    const isBelow = (...all: readonly MountPlace[]): boolean =>
      all.some((place) => places[place] !== undefined && target.startsWith(`${places[place]}/`));
    const exists = found?.exists === true && target !== '';
    // The new tmpfs will hide existing files.
    const hidden = isBelow('run', 'tmp');
    // Nothing is created in these: they contain the host's devices and settings.
    const canMake = hidden || (ephemeral && !isBelow('dev', 'proc', 'sys'));
    if (found === null || target === '' || (!exists && !canMake)) {
      if (each.missing === 'refuse') throw missing(root, each);
      if (each.missing !== '')
        report({
          kind: 'warning',
          text: missingFileWarning(root, each.target, each.missing, { isImage }),
        });
      return [];
    }
    if (exists && !hidden && lstatSync(found.path).isDirectory() !== directory)
      throw otherKind(root, each, { directory });
    if (hidden || !exists) {
      made.directories.push(directory ? target : dirname(target));
      if (!directory) made.files.push(target);
    }
    const { source, readOnly } = each;
    const submounts = readOnly ? submountsOf(source) : [];
    return [{ source, target, readOnly, directory, flags: flagsAt(source), submounts }];
  });
  return { places, binds: bound, madeFirst, made };
}

/** The files for host name resolution inside. */
function resolverFiles(): readonly BindRequest[] {
  const files = [
    { target: '/etc/resolv.conf', missing: RESOLVER },
    { target: '/etc/hosts', missing: '' },
  ];
  return files.flatMap(({ target, missing }) => {
    try {
      return [{ source: realpathSync(target), target, readOnly: true, missing }];
    } catch {
      return [];
    }
  });
}

function parseBind(text: string): BindRequest {
  const [source = '', ...rest] = text.split(':');
  const readOnly = rest.at(-1) === 'ro';
  if (readOnly) rest.pop();
  const [target = resolve(source), ...more] = rest;
  if (source === '' || more.length > 0 || !target.startsWith('/')) {
    throw new BinfmtctlError(
      'USAGE',
      `invalid value for --bind: ${JSON.stringify(text)} (expected SRC[:DST][:ro])`,
      {
        hint: 'SRC is a file or directory of this machine, DST an absolute path inside; neither may contain a colon',
      },
    );
  }
  try {
    return { source: realpathSync(source), target, readOnly, missing: 'refuse' };
  } catch (error) {
    throw fileError(error, `bind ${source}`);
  }
}

const missing = (root: string, { target }: BindRequest): BinfmtctlError =>
  new BinfmtctlError('BAD_ROOT', `cannot bind on ${target}: not found in ${root}`, {
    hint: 'create it, bind below /run or /tmp, or use --ephemeral',
  });

const otherKind = (
  root: string,
  { source, target }: BindRequest,
  { directory }: { readonly directory: boolean },
): BinfmtctlError =>
  new BinfmtctlError(
    'BAD_ROOT',
    `cannot bind ${source} on ${root}${target}: only one of them is a directory`,
    {
      hint: `bind on a ${directory ? 'directory' : 'file'} of the root`,
    },
  );
