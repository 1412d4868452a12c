/** Commands that run other commands in new namespaces. */

/** A program and its arguments. */
export type Command = readonly [file: string, ...args: string[]];

export interface NamespaceOptions {
  /** A mount namespace without propagation to or from others. */
  readonly mount?: boolean | undefined;
  /** A user namespace in which the caller is root. Users other than root need it to create the others. */
  readonly user?: boolean | undefined;
}

/** Wraps a command in unshare(1) of util-linux or busybox. Returns the command unchanged if no namespace is requested. */
export function inNamespaces({ mount, user }: NamespaceOptions, command: Command): Command {
  const flags = [
    ...(user ? ['--user', '--map-root-user'] : []),
    ...(mount ? ['--mount', '--propagation', 'private'] : []),
  ];
  return flags.length === 0 ? command : ['unshare', ...flags, '--', ...command];
}
