/** Capabilities of a session. */

/**
 * Capabilities that programs inside a root rarely need, the least needed first, with their numbers (linux/capability.h).
 * Process 1 must have one that the program lacks: the kernel then denies the program access to process 1 (security/commoncap.c,
 * cap_ptrace_access_check()).
 */
const DISPENSABLE: readonly (readonly [name: string, number: number])[] = [
  ['sys_ptrace', 19],
  ['sys_module', 16],
  ['sys_rawio', 17],
  ['sys_boot', 22],
  ['syslog', 34],
  ['wake_alarm', 35],
  ['audit_control', 30],
  ['mac_admin', 33],
  ['mac_override', 32],
  ['sys_pacct', 20],
  ['linux_immutable', 9],
  ['lease', 28],
  ['audit_write', 29],
  ['net_raw', 13],
  ['mknod', 27],
];

/** The first dispensable capability in a permitted set (capabilities(7)), as setpriv(1) names it; null if there is none. */
export function chooseWithheld(permitted: bigint): string | null {
  return DISPENSABLE.find(([, number]) => (permitted & (1n << BigInt(number))) !== 0n)?.[0] ?? null;
}
