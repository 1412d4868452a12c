import { BinfmtctlError } from '../errors.ts';
import type { KernelFeatures } from './features.ts';

/** What is known where no binfmt_misc is mounted. */
export interface AbsenceFacts {
  readonly directory: string;
  readonly directoryExists: boolean;
  /** Whether /proc/filesystems names binfmt_misc. */
  readonly supported: boolean;
  readonly container: string | null;
  /** Whether this process may try to mount: it is root, of the host or of its user namespace. */
  readonly root: boolean;
  readonly initialUserNamespace: boolean | null;
  readonly features: Pick<KernelFeatures, 'instancePerNamespace'>;
  /** What mount(8) said, where mounting was tried. */
  readonly mountFailure: string | null;
}

/** NO_BINFMT_MISC, with why there is none and what to do about it here. Pure. */
export function absenceError(facts: AbsenceFacts): BinfmtctlError {
  const { directory, mountFailure } = facts;
  const why = mountFailure === null ? reasonOf(facts) : `cannot be mounted: ${mountFailure}`;
  return new BinfmtctlError('NO_BINFMT_MISC', `no binfmt_misc at ${directory}: it ${why}`, {
    hint: hintFor(facts),
  });
}

function reasonOf({ directory, directoryExists, supported }: AbsenceFacts): string {
  if (!supported) return 'is not in the running kernel';
  return directoryExists ? 'is not mounted' : `cannot be mounted where there is no directory ${directory}`;
}

function hintFor(facts: AbsenceFacts): string {
  const { directory, directoryExists, supported, container, root, initialUserNamespace, features } = facts;
  const where = container === null ? 'as root' : `on the host of this container (${container}), as root`;
  if (!supported)
    return `${where}: \`modprobe binfmt_misc\`; if there is none, the kernel lacks CONFIG_BINFMT_MISC`;
  if (!directoryExists) return 'check --binfmt-dir';
  if (container !== null) {
    return 'run binfmtctl on the host, or the container with --privileged; entries made there serve this container too';
  }
  if (root && initialUserNamespace === false && !features.instancePerNamespace) {
    return 'before Linux 6.7 only the host has binfmt_misc: run it as root outside of the user namespace';
  }
  if (root && initialUserNamespace === false) {
    return 'only the root of a user namespace that owns the mount namespace may: start it with `unshare -Urm`';
  }
  return `as root: \`mount -t binfmt_misc binfmt_misc ${directory}\``;
}
