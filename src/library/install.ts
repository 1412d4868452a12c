/** `install` and `uninstall` of the library. */
import type { Persistence } from '../boot/persistence.ts';
import { findArches } from '../catalogue/resolve.ts';
import { type InstallResult, install as installArches } from '../install/install.ts';
import { type UninstallResult, uninstall as uninstallNames } from '../install/uninstall.ts';
import { type ArchLike, assertSelection, namesOf } from './arches.ts';
import { OPERATION_CHECKS, type OperationOptions, withContext } from './context.ts';
import { BOOLEAN, type OptionChecks, oneOf, parseOptions, TEXT, TEXTS, toList } from './options.ts';

/** Options of `install`. */
export interface InstallOptions extends OperationOptions {
  /** Install every architecture that an emulator is found for. Default: false. */
  readonly all?: boolean | undefined;
  /**
   * Where emulators come from, in order: `path:FILE`, `dir:DIR`, `bundle:FILE`, `apt[:RELEASE]`, `oci[:IMAGE]` or
   * `url:URL#sha256=HEX`. Default: this machine, then apt, then an OCI image that is pinned by digest.
   */
  readonly source?: string | readonly string[] | undefined;
  /** Accept emulators without a known sha256. Default: false. */
  readonly allowUnverified?: boolean | undefined;
  /** The only emulator to use: `qemu`, `box64`, `box32`, `box86`, `fex` or `rosetta`. Default: QEMU, where it fits. */
  readonly emulator?: string | undefined;
  /** How entries are registered again after a reboot: `auto`, `binfmt.d`, `binfmt-support` or `none`. Default: `none`. */
  readonly persist?: Persistence | undefined;
  /**
   * Register with flag C: setuid programs run with their owner's rights, and so does the emulator. `new`: only new entries,
   * existing ones keep their flags. Default: false.
   */
  readonly credentials?: boolean | 'new' | undefined;
  /** Replace an entry of the same name that binfmtctl did not register. Default: false. */
  readonly replace?: boolean | undefined;
  /** Run probe programs, and roll back if they fail. Default: true. */
  readonly verify?: boolean | undefined;
  /** Refuse emulators of a version that is known to be bad. Default: false. */
  readonly strict?: boolean | undefined;
  /** Lock file to write the installed emulators to. Default: none. */
  readonly lock?: string | undefined;
  /** Lock file that names the emulators to install; other bytes are refused. Default: none. */
  readonly locked?: string | undefined;
  /** Compute the steps and change nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

const INSTALL_CHECKS: OptionChecks<InstallOptions> = {
  ...OPERATION_CHECKS,
  all: BOOLEAN,
  source: TEXTS,
  allowUnverified: BOOLEAN,
  emulator: TEXT,
  persist: oneOf('auto', 'binfmt.d', 'binfmt-support', 'none'),
  credentials: oneOf(true, false, 'new'),
  replace: BOOLEAN,
  verify: BOOLEAN,
  strict: BOOLEAN,
  lock: TEXT,
  locked: TEXT,
  dryRun: BOOLEAN,
};

/**
 * Makes programs of other architectures run on this machine: finds or downloads emulators, registers them with
 * binfmt_misc, and runs a probe of each architecture. Architectures that already work are left unchanged. If anything fails,
 * all changes are rolled back.
 *
 * @param arches Architectures; empty with `all: true`.
 * @throws USAGE, UNKNOWN_ARCH, NATIVE_ARCH, BAD_SOURCE, BAD_LOCK, LOCK_MISMATCH, EMULATOR_NOT_FOUND, EMULATOR_UNFIT, SOURCE_FAILED,
 * UNSAFE_RULE, ENTRY_NOT_OURS, NOT_PROVED, NO_PRIVILEGE, NO_BINFMT_MISC, INTERRUPTED
 */
export async function install(
  arches: ArchLike | readonly ArchLike[],
  options: InstallOptions = {},
): Promise<InstallResult> {
  const given = parseOptions('install', options, INSTALL_CHECKS);
  const names = namesOf('install', 'arches', arches);
  const all = given.all === true;
  assertSelection('install', { names, all });
  const request = {
    all,
    sources: toList(given.source),
    allowUnverified: given.allowUnverified === true,
    emulator: given.emulator,
    persist: given.persist ?? 'none',
    credentials: given.credentials ?? false,
    replace: given.replace === true,
    verify: given.verify !== false,
    strict: given.strict === true,
    lock: given.lock,
    locked: given.locked,
    dryRun: given.dryRun === true,
  };
  return withContext('install', given, (context) =>
    installArches({ ...request, arches: findArches(context.catalogue, names) }, context),
  );
}

/** Options of `uninstall`. */
export interface UninstallOptions extends OperationOptions {
  /** Remove every entry that binfmtctl registered. Default: false. */
  readonly all?: boolean | undefined;
  /** Remove emulators that no registration uses from the store. Default: false. */
  readonly purge?: boolean | undefined;
  /** Compute the steps and change nothing. Default: false. */
  readonly dryRun?: boolean | undefined;
}

const UNINSTALL_CHECKS: OptionChecks<UninstallOptions> = {
  ...OPERATION_CHECKS,
  all: BOOLEAN,
  purge: BOOLEAN,
  dryRun: BOOLEAN,
};

/**
 * Removes exactly what `install` created: entries, boot files and the record of them. An entry of another tool is removed
 * only if its name is given exactly.
 *
 * @param names Architectures, names of entries, or globs such as `qemu-*`; empty with `all: true`.
 * @throws USAGE, UNKNOWN_ARCH, ENTRY_NOT_OURS, NO_PRIVILEGE, NO_BINFMT_MISC, INTERRUPTED
 */
export async function uninstall(
  names: ArchLike | readonly ArchLike[],
  options: UninstallOptions = {},
): Promise<UninstallResult> {
  const given = parseOptions('uninstall', options, UNINSTALL_CHECKS);
  const request = {
    names: namesOf('uninstall', 'names', names),
    all: given.all === true,
    purge: given.purge === true,
    dryRun: given.dryRun === true,
  };
  assertSelection('uninstall', request);
  return withContext('uninstall', given, (context) => uninstallNames(request, context));
}
