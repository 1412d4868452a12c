import { BinfmtctlError } from '../../errors.ts';

/** What is known where no binfmt_misc is mounted. */
export interface AbsenceFacts {
  readonly directory: string;
  /** Nothing is mounted over a directory in use. */
  readonly place: 'missing' | 'empty' | 'used';
  /** Whether /proc/filesystems names binfmt_misc. */
  readonly supported: boolean;
  readonly container: string | null;
  /** Whether this process may try to mount: it is root, of the host or of its user namespace. */
  readonly root: boolean;
  readonly initialUserNamespace: boolean | null;
  /** Whether a user namespace can have its own instance here; null if that was not tried. */
  readonly ownInstance: boolean | null;
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

function reasonOf({ place, supported }: AbsenceFacts): string {
  if (!supported) return 'is not in the running kernel';
  if (place === 'missing') return 'cannot be mounted, for there is no such directory';
  return place === 'used' ? 'cannot be mounted, for the directory holds something else' : 'is not mounted';
}

function hintFor(facts: AbsenceFacts): string {
  const { directory, place, supported, container, root, initialUserNamespace, ownInstance } = facts;
  const where = container === null ? 'as root' : `on the host of this container (${container}), as root`;
  if (!supported)
    return `${where}: \`modprobe binfmt_misc\`; if there is none, the kernel lacks CONFIG_BINFMT_MISC`;
  if (place !== 'empty') return 'check --binfmt-dir';
  if (container !== null && !root) {
    return 'run the container as its root, without --user and with --privileged; or run binfmtctl on the host';
  }
  if (container !== null) {
    return 'run binfmtctl on the host, or the container with --privileged; entries made there serve this container too';
  }
  if (root && initialUserNamespace === false && ownInstance === false) {
    return 'a user namespace cannot mount binfmt_misc here, as before Linux 6.7: run binfmtctl as root outside of the user namespace';
  }
  if (root && initialUserNamespace === false) {
    return 'only the root of a user namespace that owns the mount namespace may: start it with `unshare -Urm`';
  }
  return `as root: \`mount -t binfmt_misc binfmt_misc ${directory}\``;
}
