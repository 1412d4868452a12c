/** `bundle` and `updateLock` of the library. */
import { findArch, findArches } from '../catalogue/resolve.ts';
import { type BundleResult, bundle as writeBundle } from '../lockfile/bundle.ts';
import { LOCK_FILE } from '../lockfile/name.ts';
import { type LockResult, updateLock as update } from '../lockfile/update.ts';
import { type ArchLike, assertSelection, namesOf } from './arches.ts';
import { OPERATION_CHECKS, type OperationOptions, withContext } from './context.ts';
import {
  BOOLEAN,
  type OptionCheck,
  type OptionChecks,
  parseOptions,
  TEXT,
  TEXTS,
  toList,
} from './options.ts';

/** Options of `bundle`; `output` is required. */
export interface BundleOptions extends OperationOptions {
  /** File to write, such as `emulators.tar`. */
  readonly output: string;
  /** Replace an existing file that is not a bundle. Default: false. */
  readonly force?: boolean | undefined;
  /** Include every architecture that an emulator is found for. Default: false. */
  readonly all?: boolean | undefined;
  /** Architecture of the machines that the emulators run on; another one than this machine's requires `source` or `locked`. Default: this machine's. */
  readonly host?: ArchLike | undefined;
  /** Where emulators come from, in order, as for `install`. Default: this machine, then apt, then an OCI image that is pinned by digest. */
  readonly source?: string | readonly string[] | undefined;
  /** Accept emulators without a known sha256. Default: false. */
  readonly allowUnverified?: boolean | undefined;
  /** The only emulator to use. Default: QEMU, where it fits. */
  readonly emulator?: string | undefined;
  /** Lock file that names the emulators to include. Default: none. */
  readonly locked?: string | undefined;
  /** Refuse emulators of a version that is known to be bad. Default: false. */
  readonly strict?: boolean | undefined;
}

const ARCH: OptionCheck = {
  expected: 'a name or an Arch',
  accepts: (value) => !Array.isArray(value) && value !== null && ['string', 'object'].includes(typeof value),
};

const BUNDLE_CHECKS: OptionChecks<BundleOptions> = {
  ...OPERATION_CHECKS,
  output: TEXT,
  force: BOOLEAN,
  all: BOOLEAN,
  host: ARCH,
  source: TEXTS,
  allowUnverified: BOOLEAN,
  emulator: TEXT,
  locked: TEXT,
  strict: BOOLEAN,
};

/**
 * Writes emulators to one file, for machines without a network: `install` takes it as `source: 'bundle:FILE'`. The same
 * emulators make the same bytes. Registers nothing.
 *
 * @param arches Architectures; empty with `all: true`.
 * @throws USAGE, UNKNOWN_ARCH, NATIVE_ARCH, BAD_SOURCE, BAD_LOCK, LOCK_MISMATCH, EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED,
 * FILE_FAILED, INTERRUPTED
 */
export async function bundle(
  arches: ArchLike | readonly ArchLike[],
  options: BundleOptions,
): Promise<BundleResult> {
  const given = parseOptions('bundle', options, BUNDLE_CHECKS, ['output']);
  const names = namesOf('bundle', 'arches', arches);
  const all = given.all === true;
  assertSelection('bundle', { names, all });
  const [host] = given.host === undefined ? [] : namesOf('bundle', 'host', given.host);
  const { output, force, allowUnverified, emulator, locked } = given;
  const strict = given.strict === true;
  const request = { output, force, all, allowUnverified, emulator, locked, strict };
  return withContext('bundle', given, (context) =>
    writeBundle(
      {
        ...request,
        sources: toList(given.source),
        arches: findArches(context.catalogue, names),
        host: host === undefined ? null : findArch(context.catalogue, host),
      },
      context,
    ),
  );
}

/** Options of `updateLock`. */
export interface LockOptions extends OperationOptions {
  /** Lock file to update. Default: `binfmtctl.lock` in the current directory. */
  readonly file?: string | undefined;
  /** Where emulators come from, in order, as for `install`. Default: the sources that the lock file names. */
  readonly source?: string | readonly string[] | undefined;
  /** Accept emulators without a known sha256. Default: false. */
  readonly allowUnverified?: boolean | undefined;
  /** Refuse emulators of a version that is known to be bad. Default: false. */
  readonly strict?: boolean | undefined;
}

const LOCK_CHECKS: OptionChecks<LockOptions> = {
  ...OPERATION_CHECKS,
  file: TEXT,
  source: TEXTS,
  allowUnverified: BOOLEAN,
  strict: BOOLEAN,
};

/**
 * Looks up the newest emulators of the sources and writes them to a lock file. Registers nothing.
 *
 * @param arches Architectures to update or to add. Default: all that the file has for this machine's architecture.
 * @throws USAGE, UNKNOWN_ARCH, NATIVE_ARCH, BAD_SOURCE, BAD_LOCK, LOCK_MISMATCH, EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED,
 * FILE_FAILED, INTERRUPTED
 */
export async function updateLock(
  arches: ArchLike | readonly ArchLike[] = [],
  options: LockOptions = {},
): Promise<LockResult> {
  const given = parseOptions('updateLock', options, LOCK_CHECKS);
  const names = namesOf('updateLock', 'arches', arches);
  const { file = LOCK_FILE, source, allowUnverified } = given;
  const request = { file, sources: toList(source), allowUnverified, strict: given.strict === true };
  return withContext('updateLock', given, (context) =>
    update({ ...request, arches: findArches(context.catalogue, names) }, context),
  );
}
