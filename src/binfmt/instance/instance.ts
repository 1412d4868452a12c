import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { BinfmtctlError } from '../../errors.ts';
import { container } from '../../system/container.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { inInitialUserNamespace, mapsRootToRoot } from '../../system/host.ts';
import { fileSystemMagic, mount } from '../../system/namespace/mounts.ts';
import { run } from '../../system/process/process.ts';
import { findTool } from '../../system/process/tools.ts';
import { BINFMT_DIRECTORY } from '../directory.ts';
import { openRegisterError } from '../errno.ts';
import { absenceError } from './absence.ts';
import { tryOwnInstance } from './own-instance.ts';
import { type Scope, scopeOf } from './scope.ts';

/** include/uapi/linux/magic.h BINFMTFS_MAGIC. */
const BINFMT_MISC_MAGIC = 0x42494e4d;

/** The binfmt_misc instance that an operation used. */
export interface InstanceFacts {
  readonly directory: string;
  readonly mounted: boolean;
  /** Whether its `status` file says `enabled`; null if it is not mounted. */
  readonly enabled: boolean | null;
  readonly readOnly: boolean;
  /** Whether this process can change it. */
  readonly writable: boolean;
  /** Where its entries apply; null if it is not mounted. */
  readonly scope: Scope | null;
  /** What `uname -r` prints. */
  readonly kernelRelease: string;
}

/** Inspects the instance at a directory. Triggers an automount, but mounts nothing itself. Never throws. */
export function inspectInstance(directory: string = BINFMT_DIRECTORY): InstanceFacts {
  const kernelRelease = release();
  if (!isMounted(directory)) {
    return {
      directory,
      mounted: false,
      enabled: null,
      readOnly: false,
      writable: false,
      scope: null,
      kernelRelease,
    };
  }
  const refusal = writeRefusal(directory);
  return {
    directory,
    mounted: true,
    enabled: isEnabled(directory),
    readOnly: refusal === 'EROFS',
    writable: refusal === null,
    scope: scopeOf({
      ownerUid: statSync(`${directory}/status`, { throwIfNoEntry: false })?.uid ?? null,
      initialUserNamespace: inInitialUserNamespace(),
      rootIsRootAbove: mapsRootToRoot(),
    }),
    kernelRelease,
  };
}

export interface MountOptions {
  /** If false, it must already be mounted. */
  readonly mount?: boolean | undefined;
}

/**
 * Mounts binfmt_misc at `directory` if necessary and permitted, and returns an instance that is writable and enabled. A new
 * instance in a user namespace hides the host's entries from then on; its `scope` is `namespace`.
 *
 * @throws NO_BINFMT_MISC, READ_ONLY, NO_PRIVILEGE, BINFMT_MISC_DISABLED.
 */
export async function ensureMounted(
  directory: string = BINFMT_DIRECTORY,
  { mount: mayMount = true }: MountOptions = {},
): Promise<InstanceFacts> {
  if (!isMounted(directory) && mayMount) await mountInstance(directory);
  requireMounted(directory);
  const refusal = writeRefusal(directory);
  if (refusal !== null) throw openRegisterError(refusal, directory);
  const facts = inspectInstance(directory);
  if (facts.enabled !== false) return facts;
  throw new BinfmtctlError(
    'BINFMT_MISC_DISABLED',
    `binfmt_misc at ${directory} is disabled: no entry takes effect`,
    { hint: `as root: \`echo 1 > ${directory}/status\`, which enables all its entries again` },
  );
}

/** @throws NO_BINFMT_MISC if no instance is mounted at `directory`. */
export function requireMounted(directory: string): void {
  if (!isMounted(directory)) throw absence(directory, null);
}

function isMounted(directory: string): boolean {
  return fileSystemMagic(directory) === BINFMT_MISC_MAGIC;
}

async function mountInstance(directory: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  // The module creates the directory (init_misc_binfmt()).
  if (!isSupported()) await run('modprobe', ['binfmt_misc'], { timeoutMs: 30_000 });
  if (placeAt(directory) !== 'empty') return;
  const failure = await mount('binfmt_misc', directory, ['nosuid', 'nodev', 'noexec']);
  // EBUSY if another process mounted it first.
  if (failure !== null && !isMounted(directory))
    throw absence(directory, failure, { ownInstance: await canHaveOwnInstance() });
}

// A mount hides the content of a directory: a wrong --binfmt-dir must not hide the machine's /etc.
function placeAt(directory: string): 'missing' | 'empty' | 'used' {
  try {
    return readdirSync(directory).length === 0 ? 'empty' : 'used';
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'missing' : 'used';
  }
}

const isSupported = (): boolean => readOr('/proc/filesystems', 'binfmt_misc').includes('binfmt_misc');

/** Null in the initial user namespace, where it is irrelevant, and if a tool is missing. */
async function canHaveOwnInstance(): Promise<boolean | null> {
  const [sh, unshare, mountTool] = ['sh', 'unshare', 'mount'].map((name) => findTool(name));
  if (inInitialUserNamespace() !== false || !sh || !unshare || !mountTool) return null;
  return (await tryOwnInstance({ sh, unshare, mount: mountTool })) === null;
}

function absence(
  directory: string,
  mountFailure: string | null,
  { ownInstance = null }: { readonly ownInstance?: boolean | null | undefined } = {},
): BinfmtctlError {
  return absenceError({
    directory,
    place: placeAt(directory),
    supported: isSupported(),
    container: container(),
    root: process.geteuid?.() === 0,
    initialUserNamespace: inInitialUserNamespace(),
    ownInstance,
    mountFailure,
  });
}

/** The errno of opening `register` for writing; null if it is writable. */
function writeRefusal(directory: string): string | null {
  try {
    accessSync(`${directory}/register`, constants.W_OK);
    return null;
  } catch (error) {
    return errnoOf(error);
  }
}

const isEnabled = (directory: string): boolean =>
  readOr(`${directory}/status`, 'enabled').startsWith('enabled');

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
