/** Architectures that parallel jobs install on one instance. */

/** The sets overlap, in different orders. */
export const OVERLAPPING_SETS = [
  ['arm64', 'riscv64'],
  ['riscv64', 's390x', 'arm64'],
  ['s390x', 'arm'],
  ['arm64', 'arm', 'riscv64', 's390x'],
  ['arm'],
  ['riscv64'],
  ['arm', 'arm64'],
  ['s390x', 'riscv64'],
  ['arm64'],
  ['arm', 's390x', 'riscv64'],
] as const;

/** The entries of all sets. */
export const OVERLAPPING_ENTRIES = ['qemu-aarch64', 'qemu-arm', 'qemu-riscv64', 'qemu-s390x'];
