import { describe, expect, it } from 'vitest';
import { restartNote } from '../../../src/binfmt/held.ts';

const entry = { name: 'qemu-arm', interpreter: '/usr/bin/qemu-arm-static' };

describe('restartNote', () => {
  it.each([
    [
      'replaced',
      true,
      /does not run the file that is at \/usr\/bin\/qemu-arm-static now; `binfmtctl install arm` /,
    ],
    ['replaced', false, /`binfmtctl install arm --replace` registers an emulator of this machine$/],
    [
      'gone',
      true,
      /\/usr\/bin\/qemu-arm-static was removed.*`binfmtctl install arm` finds another emulator$/,
    ],
  ] as const)('names the command for an interpreter that is %s (entry of ours: %s)', (held, ours, text) => {
    expect(restartNote({ entry, arch: 'arm', ours, held })).toMatch(text);
  });

  it.each([
    ['same', true],
    [null, true],
    ['gone', false],
  ] as const)('asks for nothing if the file is %s (entry of ours: %s)', (held, ours) => {
    expect(restartNote({ entry, arch: 'arm', ours, held })).toBeNull();
  });
});
