import { describe, expect, it } from 'vitest';
import { kernelFeatures } from '../../../src/binfmt/features.ts';

describe('kernelFeatures', () => {
  it.each([
    [
      [4, 19, 0],
      [false, false],
    ],
    [
      [5, 12, 0],
      [true, false],
    ],
    [
      [7, 2, 8],
      [true, false],
    ],
    [
      [7, 3, 0],
      [true, true],
    ],
    [
      [8, 0, 0],
      [true, true],
    ],
  ] as const)('returns the features of Linux %j', (version, features) => {
    const { tellsPreserveArgv0, registersDisabled } = kernelFeatures(version);
    expect([tellsPreserveArgv0, registersDisabled]).toEqual(features);
  });

  it.each([
    [[6, 12, 0], true, true],
    [[7, 3, 0], false, false],
    [[7, 3, 0], null, true],
    [[7, 2, 0], null, false],
  ] as const)('detects D, T and L: Linux %j, interpreter limit %j → %j', (version, interpreterLimit, has) => {
    expect(kernelFeatures(version, { interpreterLimit })).toMatchObject({
      registersDisabled: has,
      linux73: has,
    });
  });
});
