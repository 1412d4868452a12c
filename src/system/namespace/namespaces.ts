/** Commands that run other commands in namespaces of their own; pure. */

/** A program and its arguments. */
export type Command = readonly [file: string, ...args: string[]];

export interface NamespaceOptions {
  /** A mount namespace whose mounts do not reach others, and that others' do not reach. */
  readonly mount?: boolean | undefined;
  /** A user namespace in which the caller is root; without root it is what gives the right to the others. */
  readonly user?: boolean | undefined;
}

/** `command` in new namespaces, by unshare(1) of util-linux or busybox; the command itself where none is asked for. */
export function inNamespaces({ mount, user }: NamespaceOptions, command: Command): Command {
  const flags = [
    ...(user ? ['--user', '--map-root-user'] : []),
    ...(mount ? ['--mount', '--propagation', 'private'] : []),
  ];
  return flags.length === 0 ? command : ['unshare', ...flags, '--', ...command];
}
