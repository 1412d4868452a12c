import { describe, expect, it } from 'vitest';
import { type ImageFacts, imageOwner } from '../../../src/system/image-files.ts';

/** As with `docker run --userns=host` on an engine with userns-remap. */
const REMAPPED: ImageFacts = {
  isOurImage: true,
  inInitialUserNamespace: true,
  rootOwner: 100_000,
  programOwners: [100_000, 100_000],
};

describe('imageOwner', () => {
  it('is the owner of the image’s root and of the running program', () => {
    expect(imageOwner(REMAPPED)).toBe(100_000);
  });

  it.each<[string, Partial<ImageFacts>]>([
    ['outside of the image', { isOurImage: false }],
    ['in a user namespace', { inInitialUserNamespace: false }],
    ['if the user namespace is unknown', { inInitialUserNamespace: null }],
    ['if root owns the image', { rootOwner: 0, programOwners: [0, 0] }],
    ['if another user owns the program', { programOwners: [100_000, 1000] }],
    ['on a machine whose root directory is root’s', { rootOwner: 0 }],
  ])('is null %s', (_, facts) => {
    expect(imageOwner({ ...REMAPPED, ...facts })).toBeNull();
  });
});
