/** What this machine is. Each fact is read only when it is asked for. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';

/** include/linux/proc_ns.h PROC_USER_INIT_INO. */
const INITIAL_USER_NAMESPACE = 'user:[4026531837]';

/** The running kernel's version: major, minor, patch. */
export function kernelVersion(text = release()): readonly [number, number, number] {
  const [, major, minor, patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0), Number(patch ?? 0)];
}

/** Changes with every boot of the kernel; entries live no longer. Empty without /proc. */
export function bootId(): string {
  boot ||= readText('/proc/sys/kernel/random/boot_id') ?? '';
  return boot;
}

let boot = '';

/** The user namespace of this process: `user:[4026531837]`; empty without /proc. */
export function userNamespace(): string {
  try {
    // Node cannot leave it, and `status` asks for every entry.
    namespace ||= readlinkSync('/proc/self/ns/user');
  } catch {
    // Asked again: /proc may be mounted in the meantime.
  }
  return namespace;
}

let namespace = '';

/** Why /proc does not tell about our processes; null if it does. */
export function procProblem(): string | null {
  try {
    // Of a mount of another PID namespace it is another number (proc_pid(5)).
    const self = readlinkSync('/proc/self');
    if (self === `${process.pid}`) return null;
  } catch {
    if (!existsSync('/proc/uptime')) return '/proc is not mounted';
  }
  return '/proc belongs to another PID namespace';
}

/** Null without /proc. */
export function inInitialUserNamespace(): boolean | null {
  const own = userNamespace();
  return own === '' ? null : own === INITIAL_USER_NAMESPACE;
}

/** Whether uid 0 of this user namespace is uid 0 of the one above it, user_namespaces(7); null without /proc. */
export function mapsRootToRoot(): boolean | null {
  const map = readText('/proc/self/uid_map');
  return map === null ? null : /^\s*0\s+0\s/m.test(map);
}

/** Whether a user id exists in this user namespace, user_namespaces(7); so without /proc, too. */
export function hasUserId(id: number): boolean {
  const lines = readText('/proc/self/uid_map')?.split('\n') ?? [];
  const ranges = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return ranges.length === 0 || ranges.some(([first = 0, , count = 0]) => id >= first && id < first + count);
}

/** Features of the first processor, as /proc/cpuinfo of x86 names them; none elsewhere. */
export function cpuFlags(): readonly string[] {
  const [, flags = ''] = /^flags\s*: (.*)$/m.exec(readText('/proc/cpuinfo') ?? '') ?? [];
  return flags.split(' ');
}

/** Whether this runs in our own container image, whose Dockerfile sets the variable. */
export const isOurImage = (): boolean => process.env['BINFMTCTL_IMAGE'] !== undefined;

/**
 * The kind of container that this is, as far as it tells: `docker`, `podman`, `lxc`, `systemd-nspawn`, `kubernetes`,
 * `wsl` …; null outside or where nothing tells.
 */
export function container(): string | null {
  if (existsSync('/.dockerenv')) return 'docker';
  if (existsSync('/run/.containerenv')) return 'podman';
  const { KUBERNETES_SERVICE_HOST } = process.env;
  if (KUBERNETES_SERVICE_HOST !== undefined) return 'kubernetes';
  // https://systemd.io/CONTAINER_INTERFACE: process 1 is told by its environment, and tells all others by the file.
  const declared = readText('/run/systemd/container') ?? environmentOfInit('container');
  if (declared !== null) return declared;
  return /microsoft/i.test(release()) ? 'wsl' : null;
}

function environmentOfInit(name: string): string | null {
  const variables = readText('/proc/1/environ')?.split('\0') ?? [];
  return variables.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) || null;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** All that is left of the path of a folder that has been removed (proc_pid_cwd(5)). */
export const REMOVED_DIRECTORY = '/proc/self/cwd';

/** The folder that we are in. */
export function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return REMOVED_DIRECTORY;
  }
}

/** The capabilities that this process may use, as a set of bits (proc_pid_status(5), CapPrm); none without /proc. */
export function permittedCapabilities(): bigint {
  const [, digits = '0'] = /^CapPrm:\s*([\da-f]+)$/m.exec(readText('/proc/self/status') ?? '') ?? [];
  return BigInt(`0x${digits}`);
}
