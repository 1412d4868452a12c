import { describe, expect, it } from 'vitest';
import { kernelFeatures } from '../../../src/kernel/features.ts';

describe('kernelFeatures', () => {
  it.each([
    [
      [4, 19, 0],
      [128, false, false, false],
    ],
    [
      [5, 1, 0],
      [256, false, false, false],
    ],
    [
      [5, 12, 0],
      [256, true, false, false],
    ],
    [
      [6, 7, 0],
      [256, true, true, false],
    ],
    [
      [7, 2, 8],
      [256, true, true, false],
    ],
    [
      [7, 3, 0],
      [256, true, true, true],
    ],
    [
      [8, 0, 0],
      [256, true, true, true],
    ],
  ] as const)('of Linux %j are those that came with it or before', (version, features) => {
    const { headSize, tellsPreserveArgv0, instancePerNamespace, registersDisabled } = kernelFeatures(version);
    expect([headSize, tellsPreserveArgv0, instancePerNamespace, registersDisabled]).toEqual(features);
  });

  it.each([
    [[6, 12, 0], true, true],
    [[7, 3, 0], false, false],
    [[7, 3, 0], null, true],
    [[7, 2, 0], null, false],
  ] as const)(
    'of Linux %j with a limit of interpreters seen (%j) have D, T and L: %j',
    (version, interpreterLimit, has) => {
      expect(kernelFeatures(version, { interpreterLimit })).toMatchObject({
        registersDisabled: has,
        linux73: has,
      });
    },
  );
});
