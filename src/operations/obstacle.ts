import { existsSync, readFileSync } from 'node:fs';
import { BinfmtctlError } from '../errors.ts';
import type { SetupFailure } from '../system/follow-setup.ts';
import { container, kernelVersion } from '../system/host.ts';

/** What is known where namespaces or an instance of their own cannot be had. */
export interface ObstacleFacts extends SetupFailure {
  readonly kernel: readonly [number, number, ...number[]];
  readonly root: boolean;
  readonly container: string | null;
  /** The least of user.max_*_namespaces, which ENOSPC of unshare(2) means (namespaces(7)); null where there is none. */
  readonly least: { readonly sysctl: string; readonly value: number } | null;
  /** user.max_user_namespaces; null where there is no such sysctl: the kernel has no user namespaces. */
  readonly maxUserNamespaces: number | null;
  /** kernel.unprivileged_userns_clone of Debian's kernels is 0. */
  readonly cloneForbidden: boolean;
  /** kernel.apparmor_restrict_unprivileged_userns of Ubuntu's kernels is 1. */
  readonly appArmor: boolean;
  /** A filter of system calls, as engines put containers under. */
  readonly seccomp: boolean;
  readonly program: 'run' | 'enter';
}

/** NO_NAMESPACE, with which obstacle it is and the one command that takes it away. Pure. */
export function obstacleError(facts: ObstacleFacts): BinfmtctlError {
  const [why, hint] = obstacleOf(facts);
  return new BinfmtctlError('NO_NAMESPACE', `cannot set up namespaces for ${facts.program}: ${why}`, {
    hint,
  });
}

/** The facts as this machine has them. */
export function readObstacles(failure: SetupFailure, program: 'run' | 'enter'): ObstacleFacts {
  return {
    ...failure,
    program,
    kernel: kernelVersion(),
    root: process.geteuid?.() === 0,
    container: container(),
    least: leastLimit(),
    maxUserNamespaces: numberIn('/proc/sys/user/max_user_namespaces'),
    cloneForbidden: numberIn('/proc/sys/kernel/unprivileged_userns_clone') === 0,
    appArmor: numberIn('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === 1,
    seccomp: /^Seccomp:\s*2$/m.test(textOf('/proc/self/status')),
  };
}

function obstacleOf(facts: ObstacleFacts): readonly [why: string, hint: string] {
  const { appArmor, cloneForbidden, complaint, container, failed, kernel } = facts;
  const isNamespace = failed === 'namespaces' || failed === 'lock';
  const { least, maxUserNamespaces, root, seccomp } = facts;
  // Below its reason mount(8) says, further to the right, where to look for more.
  const said = complaint.split('\n').findLast((line) => /^\S/.test(line)) ?? 'no reason was given';
  const sysctl = (setting: string): string => `as root: \`sysctl -w ${setting}\``;
  const isInstance = failed === 'instance' || complaint.includes('binfmt_misc:');
  if (isInstance && (kernel[0] < 6 || (kernel[0] === 6 && kernel[1] < 7))) {
    const why = `Linux ${kernel.join('.')} has one binfmt_misc for the whole machine (a private one needs 6.7)`;
    return [why, 'as root, once for all: `binfmtctl install ARCH`'];
  }
  if (/: fork failed|Cannot fork|Resource temporarily unavailable/.test(said))
    return [
      `${said}: this user has as many processes as allowed`,
      'end some, or raise the limit: `ulimit -u 4096`',
    ];
  if (maxUserNamespaces === null)
    return [
      'the kernel has no user namespaces',
      'boot one with CONFIG_USER_NS, or run it as root after `binfmtctl install ARCH`',
    ];
  if (maxUserNamespaces === 0)
    return ['user.max_user_namespaces is 0', sysctl('user.max_user_namespaces=15000')];
  if (isNamespace && least !== null && said.includes('No space left on device')) {
    const { sysctl: name, value } = least;
    return [`all namespaces that ${name} allows (${value}) are in use`, sysctl(`${name}=15000`)];
  }
  if (cloneForbidden && !root)
    return ['kernel.unprivileged_userns_clone is 0', sysctl('kernel.unprivileged_userns_clone=1')];
  if (appArmor && !root) {
    return [
      'AppArmor lets only programs with a profile use user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)',
      sysctl('kernel.apparmor_restrict_unprivileged_userns=0'),
    ];
  }
  if (facts.hint !== undefined) return [said, facts.hint];
  if (seccomp && isNamespace) {
    const where =
      container === null
        ? 'a seccomp filter forbids it'
        : `the seccomp filter of this container (${container}) forbids it`;
    return [
      `${where}: ${said}`,
      'start the container with `--security-opt seccomp=unconfined`, or with --privileged',
    ];
  }
  if (container !== null)
    return [`${said} (in a container: ${container})`, 'start the container with --privileged'];
  return [said, '`binfmtctl install ARCH` as root makes it work without namespaces'];
}

function leastLimit(): ObstacleFacts['least'] {
  const limits = ['user', 'mnt', 'pid', 'ipc', 'uts', 'net'].flatMap((kind) => {
    const value = numberIn(`/proc/sys/user/max_${kind}_namespaces`);
    return value === null ? [] : [{ sysctl: `user.max_${kind}_namespaces`, value }];
  });
  return limits.toSorted((one, other) => one.value - other.value)[0] ?? null;
}

function numberIn(path: string): number | null {
  return existsSync(path) ? Number(textOf(path)) : null;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
