import { describe, expect, it } from 'vitest';
import { restartNote } from '../../../src/binfmt/held.ts';

const entry = { name: 'qemu-arm', interpreter: '/usr/bin/qemu-arm-static' };

describe('restartNote', () => {
  it.each([
    [
      'replaced',
      true,
      /does not run the current file at \/usr\/bin\/qemu-arm-static; `binfmtctl install arm` registers that file$/,
    ],
    ['replaced', false, /`binfmtctl install arm --replace` registers an emulator of this machine$/],
    [
      'gone',
      true,
      /\/usr\/bin\/qemu-arm-static was removed.*`binfmtctl install arm` registers another emulator$/,
    ],
  ] as const)('names the command if the interpreter is %s (ours: %s)', (held, ours, text) => {
    expect(restartNote({ entry, arch: 'arm', ours, held })).toMatch(text);
  });

  it.each([
    ['same', true],
    [null, true],
    ['gone', false],
  ] as const)('returns null if the interpreter is %s (ours: %s)', (held, ours) => {
    expect(restartNote({ entry, arch: 'arm', ours, held })).toBeNull();
  });
});
