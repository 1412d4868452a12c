import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { tryOwnInstance } from '../binfmt/instance/own-instance.ts';
import { archOfHeader } from '../catalogue/resolve.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { BinfmtctlError } from '../errors.ts';
import { container } from '../system/container.ts';
import type { SetupFailure } from '../system/process/follow-setup.ts';
import { runTools } from './setup-tools.ts';
import type { Emulation } from './types.ts';

/** Facts that explain why namespaces or a private instance cannot be set up. */
export interface NamespaceFacts extends SetupFailure {
  /** As `uname -r` prints it. */
  readonly kernel: string;
  readonly root: boolean;
  readonly container: string | null;
  /** The smallest limit of user.max_*_namespaces, at which unshare(2) returns ENOSPC (namespaces(7)); null without these sysctls. */
  readonly least: { readonly sysctl: string; readonly value: number } | null;
  /** user.max_user_namespaces; null without that sysctl, because the kernel has no user namespaces. */
  readonly maxUserNamespaces: number | null;
  /** Whether kernel.unprivileged_userns_clone of Debian's kernels is 0. */
  readonly cloneForbidden: boolean;
  /** Whether kernel.apparmor_restrict_unprivileged_userns of Ubuntu's kernels is 1. */
  readonly appArmor: boolean;
  /** Whether a seccomp filter is active, as in most containers. */
  readonly seccomp: boolean;
  readonly program: 'run' | 'enter';
  /** The architecture that needs a private instance; null if there is none or it is unknown. */
  readonly arch: string | null;
}

/** NO_NAMESPACE with the reason and a command that fixes it. */
export function namespaceError(facts: NamespaceFacts): BinfmtctlError {
  const [why, hint] = diagnose(facts);
  return new BinfmtctlError('NO_NAMESPACE', `cannot set up namespaces for ${facts.program}: ${why}`, {
    hint,
  });
}

/** Why namespaces are unavailable, for a warning about the fallback. */
export const namespaceFailureReason = ({ message }: BinfmtctlError): string =>
  message.replace(/^cannot set up namespaces for \w+: /, '');

/** The first architecture that needs a private instance; null if there is none or it is unknown. */
export function privateArch(
  heads: readonly Uint8Array[],
  { programs }: Emulation,
  { catalogue }: Pick<Context, 'catalogue'>,
): Arch | null {
  const head = heads.find((_, index) => programs[index] === 'private');
  return head === undefined ? null : archOfHeader(catalogue, head);
}

/** Tries to mount a private instance, and returns the error if that fails; otherwise null. */
export async function diagnoseInstance(
  program: 'run' | 'enter',
  heads: readonly Uint8Array[],
  emulation: Emulation,
  context: Pick<Context, 'catalogue'>,
): Promise<BinfmtctlError | null> {
  const failure = await tryOwnInstance(runTools());
  if (failure === null) return null;
  return namespaceError(readNamespaceFacts(failure, program, privateArch(heads, emulation, context)));
}

/** Reads the facts from this machine. */
export function readNamespaceFacts(
  failure: SetupFailure,
  program: 'run' | 'enter',
  arch: Arch | null,
): NamespaceFacts {
  return {
    ...failure,
    program,
    arch: arch?.id ?? null,
    kernel: release(),
    root: process.geteuid?.() === 0,
    container: container(),
    least: leastLimit(),
    maxUserNamespaces: numberIn('/proc/sys/user/max_user_namespaces'),
    cloneForbidden: numberIn('/proc/sys/kernel/unprivileged_userns_clone') === 0,
    appArmor: numberIn('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === 1,
    seccomp: /^Seccomp:\s*2$/m.test(textOf('/proc/self/status')),
  };
}

function diagnose(facts: NamespaceFacts): readonly [why: string, hint: string] {
  const { appArmor, cloneForbidden, complaint, container, failed, kernel } = facts;
  const isNamespace = failed === 'namespaces' || failed === 'lock';
  const { arch, least, maxUserNamespaces, root, seccomp } = facts;
  const install = arch === null ? null : `\`binfmtctl install ${arch}\``;
  // mount(8) prints advice on an indented line below the reason.
  const reason = complaint.split('\n').findLast((line) => /^\S/.test(line)) ?? 'no reason was given';
  const sysctl = (setting: string): string => `as root: \`sysctl -w ${setting}\``;
  const isInstance = failed === 'instance' || complaint.includes('binfmt_misc:');
  if (isInstance) {
    const where = container === null ? 'as root' : `on the host of this container (${container}), as root`;
    const why = `cannot mount binfmt_misc in a user namespace (Linux ${kernel}; most kernels before 6.7 do not support it): ${reason}`;
    return [why, `${where}: ${install ?? '`binfmtctl install --all`'}`];
  }
  if (/: fork failed|Cannot fork|Resource temporarily unavailable/.test(reason))
    return [
      `${reason}: this user has reached the limit of processes`,
      'stop some processes, or raise the limit with `ulimit -u 4096`',
    ];
  if (maxUserNamespaces === null)
    return [
      'the kernel has no user namespaces',
      install === null
        ? 'boot a kernel with CONFIG_USER_NS, or run the command as root'
        : `boot a kernel with CONFIG_USER_NS, or run the command as root after ${install}`,
    ];
  if (maxUserNamespaces === 0)
    return ['user.max_user_namespaces is 0', sysctl('user.max_user_namespaces=15000')];
  if (isNamespace && least !== null && reason.includes('No space left on device')) {
    const { sysctl: name, value } = least;
    return [`the limit ${name} (${value}) is reached`, sysctl(`${name}=15000`)];
  }
  if (cloneForbidden && !root)
    return ['kernel.unprivileged_userns_clone is 0', sysctl('kernel.unprivileged_userns_clone=1')];
  if (appArmor && !root) {
    return [
      'AppArmor allows user namespaces only for programs with a profile (kernel.apparmor_restrict_unprivileged_userns is 1)',
      sysctl('kernel.apparmor_restrict_unprivileged_userns=0'),
    ];
  }
  if (facts.hint !== undefined) return [reason, facts.hint];
  if (seccomp && isNamespace) {
    const where =
      container === null
        ? 'blocked by a seccomp filter'
        : `blocked by the seccomp filter of this container (${container})`;
    return [
      `${where}: ${reason}`,
      'start the container with `--security-opt seccomp=unconfined`, or with --privileged',
    ];
  }
  if (container !== null)
    return [`${reason} (in a container: ${container})`, 'start the container with `--privileged`'];
  return [
    reason,
    install === null ? 'run the command as root' : `as root: ${install}, which needs no namespaces`,
  ];
}

function leastLimit(): NamespaceFacts['least'] {
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
