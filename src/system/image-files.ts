/** The files of our own container image, which do not always belong to root. */
import { statSync } from 'node:fs';
import { inInitialUserNamespace, isOurImage } from './host.ts';
import { isOnRootMount } from './namespace/mounts.ts';

export interface ImageFacts {
  readonly isOurImage: boolean;
  readonly inInitialUserNamespace: boolean | null;
  /** Owner of `/`. */
  readonly rootOwner: number;
  /** Owners of Node and of our program. */
  readonly programOwners: readonly number[];
}

/**
 * The user besides root who may own files of the image; null if there is none.
 *
 * An engine with `userns-remap` gives image files to a subordinate user, also if the container runs with `--userns=host`. That
 * user can change Node and our program as well, which root is running now: the emulators beside them are no weaker. Pure.
 */
export function imageOwner(facts: ImageFacts): number | null {
  if (!facts.isOurImage || facts.inInitialUserNamespace !== true) return null;
  const isSame = facts.programOwners.every((owner) => owner === facts.rootOwner);
  return isSame && facts.rootOwner !== 0 ? facts.rootOwner : null;
}

let owner: number | null | undefined;

/**
 * Whether a file comes with our image and belongs to the image's own root. Volumes and bind mounts do not come with it. `path` is
 * absolute and without links.
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
