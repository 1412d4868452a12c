import { readEntries } from '../binfmt/entries.ts';
import {
  findHolder,
  type Holder,
  isShortLived,
  markShortLived,
  unmarkShortLived,
} from '../binfmt/instance/holders.ts';
import type { InstanceFacts } from '../binfmt/instance/instance.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { inInitialUserNamespace } from '../system/host.ts';
import { unmount } from '../system/namespace/mounts.ts';

const OWN =
  'this binfmt_misc instance belongs to a user namespace: its entries only work there and end with it';

/**
 * Warns if entries work only in a user namespace, or end with a process. Returns a function to call after the registration, with
 * whether entries changed. It warns about the lifetime of the entries or returns notes about it, because other containers may have
 * started or ended since.
 *
 * @throws NO_BINFMT_MISC if the instance ends with this mount namespace, as in a container whose host has none mounted.
 * Removes the new mount then, so that the next run does not mistake it for the host's.
 */
export async function checkLifetime(
  { directory, scope }: Pick<InstanceFacts, 'directory' | 'scope'>,
  { report, inImage = false }: Pick<Context, 'report' | 'inImage'>,
): Promise<(hasChanged: boolean) => readonly string[]> {
  const warn = (text: string): void => report({ kind: 'warning', text });
  if (scope === 'namespace') warn(inImage ? warningInImage() : warning());
  // In a user namespace the instance is private to it.
  if (inInitialUserNamespace() !== true) return () => [];
  const holder = findHolder(directory);
  if (holder.kind === 'machine') unmarkShortLived(directory);
  else if (holder.kind !== 'unseen') markShortLived(directory);
  if (holder.kind === 'process' || holder.kind === 'hidden') warn(holderWarning(directory, holder));
  const error = lifetimeError(directory, holder.kind, { inImage });
  if (error === null)
    return (hasChanged) => {
      if (holder.kind !== 'unseen') return [];
      if (!isShortLived(directory)) return hasChanged ? [unseenHolderNote(directory)] : [];
      warn(otherContainerWarning(directory));
      return [];
    };
  if (readEntries(directory).all.length === 0) await unmount(directory);
  throw error;
}

const mountCommand = (directory: string): string => `\`mount -t binfmt_misc binfmt_misc ${directory}\``;

/** The command that mounts an instance unless it is mounted. */
const mountOnce = (directory: string): string =>
  `on the host, as root: \`mountpoint -q ${directory} || mount -t binfmt_misc binfmt_misc ${directory}\``;

/** The note about an instance whose holder cannot be seen. */
export const unseenHolderNote = (directory: string): string =>
  `the entries last until the next boot if the host has mounted binfmt_misc, which a container cannot see; to check, on the host: \`mountpoint ${directory}\``;

/** The warning about an instance that another container mounted first. */
export const otherContainerWarning = (directory: string): string =>
  `another container mounted binfmt_misc first: all entries end with the last such container, unless the host has mounted it since; to mount it and end this warning, on the host, as root: \`mountpoint -q ${directory} || mount -t binfmt_misc binfmt_misc ${directory}; touch ${directory}/status\``;

/** The warning about an instance that is not, or may not be, mounted in the namespace of the host's process 1. */
export function holderWarning(
  directory: string,
  holder: Extract<Holder, { kind: 'process' } | { kind: 'hidden' }>,
): string {
  if (holder.kind === 'hidden')
    return `binfmt_misc is not mounted on the host: the entries end with another mount namespace, in which no process was found; ${mountOnce(directory)}`;
  const { pid, name, others } = holder;
  const where =
    others === 'known'
      ? 'binfmt_misc is not mounted on the host'
      : 'binfmt_misc was not mounted when this command started';
  return `${where}: the entries end with the mount namespace of process ${pid} (${name}); ${mountOnce(directory)}`;
}

/** The error for an instance that ends, or may end, with this mount namespace; null for one that lasts. */
export function lifetimeError(
  directory: string,
  holder: Holder['kind'],
  { inImage }: { readonly inImage: boolean },
): BinfmtctlError | null {
  if (holder !== 'none' && holder !== 'unknown') return null;
  const why =
    holder === 'none'
      ? 'only this mount namespace holds binfmt_misc, as far as visible here, and entries end with the last mount'
      : 'cannot determine whether another mount namespace has mounted binfmt_misc: its files are dated in the future';
  const here = inImage
    ? ''
    : '; for entries that end with this mount namespace, run that mount command here instead';
  return new BinfmtctlError('NO_BINFMT_MISC', `cannot register lasting entries at ${directory}: ${why}`, {
    hint: `on the host, as root: ${mountCommand(directory)}; then run binfmtctl again${here}`,
  });
}

const warning = (): string => `${OWN}; for entries that work on the whole machine, run binfmtctl on the host`;

const warningInImage = (): string =>
  `this container is in a user namespace, as with rootless engines: the entries only work in this container and end with it; use root's engine (\`sudo docker run --privileged …\`, \`sudo podman run --privileged …\`; with podman machine: \`podman machine ssh sudo podman run …\`), or run binfmtctl on the host as root`;
