import { BinfmtctlError } from '../errors.ts';
import { type InstanceFacts, isNew } from '../kernel/instance.ts';
import { inInitialUserNamespace } from '../system/host.ts';
import type { Context } from './context.ts';

const OWN = 'this binfmt_misc belongs to a user namespace: its entries serve that alone and go with it';

/**
 * The trap of containers: all works, for nobody else. Warns where what is registered serves only a user namespace.
 *
 * @throws NO_BINFMT_MISC in our container image, where nobody but this container has the instance mounted: the kernel
 * drops all entries with the last mount (Linux 6.7 and later, fs/binfmt_misc.c bm_evict_inode()).
 */
export function checkReach({ directory, scope }: InstanceFacts, { report }: Pick<Context, 'report'>): void {
  // Whoever makes an instance of their own on purpose runs no image for it.
  const inImage = process.env['BINFMTCTL_IMAGE'] !== undefined;
  if (scope === 'namespace') report({ kind: 'warning', text: inImage ? warningInImage() : warning() });
  if (!inImage || inInitialUserNamespace() !== true || !isNew(directory)) return;
  throw new BinfmtctlError(
    'NO_BINFMT_MISC',
    `the host of this container has no binfmt_misc mounted at ${directory}: entries made here would go with the container`,
    { hint: `on the host, as root: \`mount -t binfmt_misc binfmt_misc ${directory}\`; then once more` },
  );
}

const warning = (): string => `${OWN}; to serve the machine run binfmtctl on the host`;

const warningInImage = (): string =>
  `this container is in a user namespace, as those of rootless engines are. ${OWN}: the machine and other containers get nothing. Run it with root's engine (\`sudo docker run --privileged …\`, \`sudo podman run --privileged …\`; with podman machine: \`podman machine ssh sudo podman run …\`), or binfmtctl on the host as root`;
