import { BinfmtctlError } from '../../errors.ts';

/** The facts about a directory without binfmt_misc. */
export interface AbsenceFacts {
  readonly directory: string;
  /** A directory that is `used` is never mounted over. */
  readonly place: 'missing' | 'empty' | 'used';
  /** Whether /proc/filesystems lists binfmt_misc. */
  readonly supported: boolean;
  readonly container: string | null;
  /** Whether this process is root, on the host or in its user namespace, and so may try to mount. */
  readonly root: boolean;
  readonly initialUserNamespace: boolean | null;
  /** Whether a user namespace can mount its own instance here; null if that was not tried. */
  readonly ownInstance: boolean | null;
  /** The error of mount(8); null if mounting was not tried. */
  readonly mountFailure: string | null;
}

/** Returns NO_BINFMT_MISC with the reason and a hint for this situation. Pure. */
export function absenceError(facts: AbsenceFacts): BinfmtctlError {
  const { directory, mountFailure } = facts;
  const why = mountFailure === null ? reasonOf(facts) : `cannot be mounted: ${mountFailure}`;
  return new BinfmtctlError('NO_BINFMT_MISC', `no binfmt_misc at ${directory}: it ${why}`, {
    hint: hintFor(facts),
  });
}

function reasonOf({ place, supported }: AbsenceFacts): string {
  if (!supported) return 'is not supported by the running kernel';
  if (place === 'missing') return 'cannot be mounted: no such directory';
  return place === 'used' ? 'cannot be mounted: the directory is not empty' : 'is not mounted';
}

function hintFor(facts: AbsenceFacts): string {
  const { directory, place, supported, container, root, initialUserNamespace, ownInstance } = facts;
  const where = container === null ? 'as root' : `on the host of this container (${container}), as root`;
  if (!supported)
    return `${where}: \`modprobe binfmt_misc\`; if that fails, the kernel lacks CONFIG_BINFMT_MISC`;
  if (place !== 'empty') return 'check --binfmt-dir';
  if (container !== null && !root) {
    return 'run the container as root: without --user, with --privileged; or run binfmtctl on the host';
  }
  if (container !== null) {
    return 'run binfmtctl on the host, or the container with --privileged; entries of the host work in this container too';
  }
  if (root && initialUserNamespace === false && ownInstance === false) {
    return 'run binfmtctl as root outside the user namespace: this kernel cannot mount binfmt_misc in one (Linux 6.7 and later can)';
  }
  if (root && initialUserNamespace === false) {
    return 'mounting requires a mount namespace that the user namespace owns: create both with `unshare -Urm`';
  }
  return `as root: \`mount -t binfmt_misc binfmt_misc ${directory}\``;
}
