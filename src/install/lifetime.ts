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

const OWN = 'this binfmt_misc belongs to a user namespace: its entries serve that alone and go with it';

/**
 * Warns if what is registered serves only a user namespace, or ends with a process. Returns what is to be called after the
 * registration, with whether it changed an entry: it reports or returns what is known about how long entries last, as other
 * containers may have come and gone since.
 *
 * @throws NO_BINFMT_MISC if the instance ends with our mount namespace, as in a container whose host has none mounted.
 * Our mount is removed then, so that a second try does not take it for the host's.
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

/** Mounts only what is not mounted yet. */
const mountOnce = (directory: string): string =>
  `on the host, as root: \`mountpoint -q ${directory} || mount -t binfmt_misc binfmt_misc ${directory}\``;

/** The note about an instance whose holder cannot be seen. Pure. */
export const unseenHolderNote = (directory: string): string =>
  `the entries last until the next boot if the host has mounted binfmt_misc, which a container cannot see; to check, on the host: \`mountpoint ${directory}\``;

/** The warning about an instance that another container mounted first. Pure. */
export const otherContainerWarning = (directory: string): string =>
  `another container mounted binfmt_misc first: all entries end with the last such container, unless the host has mounted it since; to mount it and end this warning, on the host, as root: \`mountpoint -q ${directory} || mount -t binfmt_misc binfmt_misc ${directory}; touch ${directory}/status\``;

/** The warning about an instance that the machine's process 1 does not have, or is not seen to have. Pure. */
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

/** The refusal of an instance that ends with our mount namespace, or might; null for one that lasts. Pure. */
export function lifetimeError(
  directory: string,
  holder: Holder['kind'],
  { inImage }: { readonly inImage: boolean },
): BinfmtctlError | null {
  if (holder !== 'none' && holder !== 'unknown') return null;
  const why =
    holder === 'none'
      ? 'only this mount namespace holds binfmt_misc, as far as can be seen, and entries end with its last mount'
      : 'whether another mount namespace holds binfmt_misc is unknown: its files are dated in the future';
  const here = inImage
    ? ''
    : '; for entries that last only as long as this mount namespace, run it here instead';
  return new BinfmtctlError('NO_BINFMT_MISC', `cannot register lasting entries at ${directory}: ${why}`, {
    hint: `on the host, as root: ${mountCommand(directory)}; then run binfmtctl again${here}`,
  });
}

const warning = (): string => `${OWN}; to serve the machine run binfmtctl on the host`;

const warningInImage = (): string =>
  `this container is in a user namespace, as those of rootless engines are. ${OWN}: the machine and other containers get nothing. Run it with root's engine (\`sudo docker run --privileged …\`, \`sudo podman run --privileged …\`; with podman machine: \`podman machine ssh sudo podman run …\`), or binfmtctl on the host as root`;
