import type { Arch, EmulatorProfile, Format } from '../../../src/catalogue/types.ts';

/** Profiles with nothing wrong, of an arch that there is not. */
export const ARCH: Arch = {
  kind: 'arch',
  id: 'pdp11',
  summary: 'PDP-11',
  elf: { class: 32, byteOrder: 'little', machine: 65 },
  magic: '7f454c4601010100000000000000000002004100',
  mask: 'fffffffffffffffffffffffffffffffffeffffff',
  masked: [{ bytes: '16', field: 'e_type', why: 'executable and position-independent' }],
  aliases: {
    docker: [],
    go: [],
    debian: [],
    gnu: ['pdp11-linux-gnu'],
    uname: [],
    rpm: [],
    other: ['unibus'],
  },
  compat: [],
  overlaps: [],
  probe: { isa: 'x86', syscalls: { read: 3, write: 4, geteuid: 201, exit: 1, readlink: 85 } },
};

export const FORMAT: Format = {
  kind: 'format',
  id: 'tape',
  summary: 'paper tape',
  aliases: ['ptape'],
  matches: [{ type: 'extension', extension: 'ptap' }],
  interpreters: [{ path: '/usr/bin/reader' }],
  overlaps: [],
};

export const EMULATOR: EmulatorProfile = {
  kind: 'emulator',
  id: 'simh',
  summary: 'SIMH',
  guests: { pdp11: 'pdp11' },
  hosts: ['x86_64'],
  layouts: [{ distribution: 'debian', paths: ['/usr/bin/{target}'], packages: ['simh'], linkage: 'dynamic' }],
  entry: 'simh-{target}',
  preserveArgv0: { mode: 'never' },
  openBinary: false,
  version: { arguments: ['--version'], pattern: 'v(\\d+)' },
  knownBad: [],
};
