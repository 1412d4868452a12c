/** The files of binfmtctl's container image, which do not always belong to root. */
import { statSync } from 'node:fs';
import { inInitialUserNamespace, isOurImage } from './host.ts';
import { isOnRootMount } from './namespace/mounts.ts';

export interface ImageFacts {
  readonly isOurImage: boolean;
  readonly inInitialUserNamespace: boolean | null;
  /** Owner of `/`. */
  readonly rootOwner: number;
  /** Owners of Node and of binfmtctl. */
  readonly programOwners: readonly number[];
}

/**
 * A trusted owner of image files besides root; null if there is none.
 *
 * With `userns-remap`, an engine gives image files to a subordinate user, even if the container runs with `--userns=host`. That
 * user can also change Node and binfmtctl, which root is already running, so emulators of the same owner add no risk.
 */
export function imageOwner(facts: ImageFacts): number | null {
  if (!facts.isOurImage || facts.inInitialUserNamespace !== true) return null;
  const isSame = facts.programOwners.every((owner) => owner === facts.rootOwner);
  return isSame && facts.rootOwner !== 0 ? facts.rootOwner : null;
}

let owner: number | null | undefined;

/**
 * Whether a file is part of binfmtctl's image and belongs to the image's root. Volumes and bind mounts are not part of the image.
 * `path` is absolute and contains no links.
 */
export function isImageFile(path: string, uid: number): boolean {
  if (owner === undefined) owner = imageOwner(readFacts());
  return owner === uid && isOnRootMount(path);
}

function readFacts(): ImageFacts {
  const ownerOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.uid ?? 0;
  const programs = [process.execPath, process.argv[1] ?? '/'];
  return {
    isOurImage: isOurImage(),
    inInitialUserNamespace: inInitialUserNamespace(),
    rootOwner: ownerOf('/'),
    programOwners: programs.every(isOnRootMount) ? programs.map(ownerOf) : [0],
  };
}
