import { describe, expect, it } from 'vitest';
import { kernelVersion } from '../../../src/system/host.ts';

describe('kernelVersion', () => {
  it.each([
    ['6.18.44-fc-v595', [6, 18, 44]],
    ['5.10.0-28-amd64', [5, 10, 0]],
    ['6.6.87.2-microsoft-standard-WSL2', [6, 6, 87]],
    ['7.3-rc1', [7, 3, 0]],
    ['unreleased', [0, 0, 0]],
  ])('reads %s', (release, version) => {
    expect(kernelVersion(release)).toEqual(version);
  });
});
