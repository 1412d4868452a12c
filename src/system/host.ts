/** Facts about this machine, each read on demand. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';

/** include/linux/proc_ns.h PROC_USER_INIT_INO. */
const INITIAL_USER_NAMESPACE = 'user:[4026531837]';

/** The running kernel's version: major, minor, patch. */
export function kernelVersion(text = release()): readonly [number, number, number] {
  const [, major, minor, patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0), Number(patch ?? 0)];
}

/** The ID of this boot, which entries do not survive. Empty without /proc. */
export function bootId(): string {
  boot ||= readText('/proc/sys/kernel/random/boot_id') ?? '';
  return boot;
}

let boot = '';

/** The user namespace of this process: `user:[4026531837]`; empty without /proc. */
export function userNamespace(): string {
  try {
    // Cached: Node cannot leave its namespace, and `status` reads this for every entry.
    namespace ||= readlinkSync('/proc/self/ns/user');
  } catch {
    // Not cached: /proc may be mounted later.
  }
  return namespace;
}

let namespace = '';

/** Why /proc does not show this process; null if it does. */
export function procProblem(): string | null {
  try {
    // In a /proc of another PID namespace, the number differs (proc_pid(5)).
    const self = readlinkSync('/proc/self');
    if (self === `${process.pid}`) return null;
  } catch {
    if (!existsSync('/proc/uptime')) return '/proc is not mounted';
  }
  return '/proc belongs to another PID namespace';
}

/** Whether this process is in the initial user namespace; null without /proc. */
export function inInitialUserNamespace(): boolean | null {
  const own = userNamespace();
  return own === '' ? null : own === INITIAL_USER_NAMESPACE;
}

/** Whether this user namespace maps UID 0 to UID 0 of its parent (user_namespaces(7)); null without /proc. */
export function mapsRootToRoot(): boolean | null {
  const map = readText('/proc/self/uid_map');
  return map === null ? null : /^\s*0\s+0\s/m.test(map);
}

/** Whether a UID is mapped in this user namespace (user_namespaces(7)); true without /proc. */
export function hasUserId(id: number): boolean {
  const lines = readText('/proc/self/uid_map')?.split('\n') ?? [];
  const ranges = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return ranges.length === 0 || ranges.some(([first = 0, , count = 0]) => id >= first && id < first + count);
}

/** Flags of the first processor in /proc/cpuinfo of x86; empty on other architectures. */
export function cpuFlags(): readonly string[] {
  const [, flags = ''] = /^flags\s*: (.*)$/m.exec(readText('/proc/cpuinfo') ?? '') ?? [];
  return flags.split(' ');
}

/** Whether this process runs in binfmtctl's container image, whose Dockerfile sets the variable. */
export const isOurImage = (): boolean => process.env['BINFMTCTL_IMAGE'] !== undefined;

/** The text of a small file without blanks at its ends; null if it cannot be read. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** The only path to a current directory that has been removed (proc_pid_cwd(5)). */
export const REMOVED_DIRECTORY = '/proc/self/cwd';

/** The current directory, also if it has been removed. */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return REMOVED_DIRECTORY;
  }
}

/** The permitted capabilities of this process as a bit set (CapPrm in proc_pid_status(5)); 0 without /proc. */
export function permittedCapabilities(): bigint {
  const [, digits = '0'] = /^CapPrm:\s*([\da-f]+)$/m.exec(readText('/proc/self/status') ?? '') ?? [];
  return BigInt(`0x${digits}`);
}
