import { BinfmtctlError } from '../errors.ts';
import { readEntries } from '../kernel/entries.ts';
import { findHolder, type Holder } from '../kernel/holders.ts';
import type { InstanceFacts } from '../kernel/instance.ts';
import { inInitialUserNamespace, isOurImage } from '../system/host.ts';
import { inMachineMountNamespace } from '../system/mount-namespaces.ts';
import { unmount } from '../system/mounts.ts';
import type { Context } from './context.ts';

const OWN = 'this binfmt_misc belongs to a user namespace: its entries serve that alone and go with it';

/**
 * Warns if what is registered serves only a user namespace, or ends with a process. Returns notes about how long it lasts.
 *
 * @throws NO_BINFMT_MISC if the instance ends with our mount namespace, as in a container whose host has none mounted.
 * Our mount is removed then, so that a second try does not take it for the host's.
 */
export async function checkReach(
  { directory, scope }: Pick<InstanceFacts, 'directory' | 'scope'>,
  { report }: Pick<Context, 'report'>,
): Promise<readonly string[]> {
  const inImage = isOurImage();
  if (scope === 'namespace') report({ kind: 'warning', text: inImage ? warningInImage() : warning() });
  // In a user namespace the instance is private to it; the mounts of the machine's process 1 stay.
  if (inInitialUserNamespace() !== true || inMachineMountNamespace() === true) return [];
  const holder = findHolder(directory);
  if (holder.kind === 'process') report({ kind: 'warning', text: endsWith(directory, holder) });
  if (holder.kind === 'unseen') return [LASTS];
  const error = reachError(directory, holder.kind, inImage);
  if (error === null) return [];
  if (readEntries(directory).all.length === 0) await unmount(directory);
  throw error;
}

const LASTS = 'the entries last until the next boot, or until the host unmounts binfmt_misc';

const mountCommand = (directory: string): string => `\`mount -t binfmt_misc binfmt_misc ${directory}\``;

/** The warning about an instance that the machine's process 1 does not see. Pure. */
export const endsWith = (directory: string, { pid, name }: { pid: string; name: string }): string =>
  `binfmt_misc is not mounted on the host: the entries end with the mount namespace of process ${pid} (${name}); on the host, as root: ${mountCommand(directory)}`;

/** The refusal of an instance that ends with our mount namespace, or might; null for one that lasts. Pure. */
export function reachError(
  directory: string,
  holder: Holder['kind'],
  inImage: boolean,
): BinfmtctlError | null {
  if (holder !== 'none' && holder !== 'unknown') return null;
  const why =
    holder === 'none'
      ? 'only this mount namespace holds binfmt_misc, and entries end with its last mount'
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
