/** Explains kernel errors: each errno of fs/binfmt_misc.c and of opening its files, by operation. */

import { BinfmtctlError, type ErrorCode } from '../errors.ts';
import { parseRegister } from '../rule/register.ts';
import { encodeText } from '../rule/text.ts';
import { type AnyRule, isBpf, type Rule } from '../rule/types.ts';
import { BINFMT_DIRECTORY } from './directory.ts';

interface KernelExplanation {
  readonly code?: ErrorCode;
  readonly reason: string;
  readonly hint: string;
}

type KernelExplanations = Readonly<Record<string, KernelExplanation>>;

export type EntryAction = 'read' | 'remove' | 'enable' | 'disable' | 'configure';

/** For a failed `open` of `register`. */
export function openRegisterError(errno: string, directory: string, cause?: unknown): BinfmtctlError {
  return kernelError(`cannot open ${directory}/register`, OPENING[errno], errno, cause);
}

/** For a failed `write` of `string`, the register string of `rule`. */
export function registerError(
  errno: string,
  rule: AnyRule,
  string: Uint8Array,
  cause?: unknown,
): BinfmtctlError {
  return kernelError(
    `cannot register ${quote(rule.name)}`,
    explainRegister(errno, rule, string),
    errno,
    cause,
  );
}

/** For a failed `open` or `write` of an entry's file. */
export function commandError(
  errno: string,
  command: EntryAction,
  name: string,
  cause?: unknown,
): BinfmtctlError {
  return kernelError(
    `cannot ${command} entry ${quote(name)}`,
    COMMANDING[errno] ?? OPENING[errno],
    errno,
    cause,
  );
}

/** The explained errnos of each of the three functions. */
export const KNOWN_ERRNOS = {
  openRegister: () => Object.keys(OPENING),
  register: () => [...Object.keys(REGISTERING), ...Object.keys(INSTALLING_INTERPRETER)],
  command: () => [...Object.keys(COMMANDING), ...Object.keys(OPENING)],
} as const;

const READ_ONLY: KernelExplanation = {
  code: 'READ_ONLY',
  reason: 'binfmt_misc is mounted read-only here',
  hint: `as root: \`mount -o remount,rw ${BINFMT_DIRECTORY}\`; in a container, run binfmtctl on the host instead`,
};

const NO_MEMORY: KernelExplanation = {
  reason: 'the kernel is out of memory',
  hint: 'stop other programs, then try again',
};

const OPENING: KernelExplanations = {
  EACCES: {
    code: 'NO_PRIVILEGE',
    reason: 'permission denied: it requires root in the user namespace that mounted binfmt_misc',
    hint: 'run binfmtctl as root on the host; without root, `binfmtctl run` and `binfmtctl enter` work',
  },
  EPERM: {
    code: 'NO_PRIVILEGE',
    reason: 'operation not permitted by a security module or the container',
    hint: 'run binfmtctl outside the container, or allow it in the security module (see `dmesg`)',
  },
  EROFS: READ_ONLY,
  ENOENT: {
    code: 'NO_BINFMT_MISC',
    reason: 'no such file: binfmt_misc is not mounted there',
    hint: `as root: \`mount -t binfmt_misc binfmt_misc ${BINFMT_DIRECTORY}\``,
  },
  ENOTDIR: {
    code: 'NO_BINFMT_MISC',
    reason: 'a component of the path is not a directory',
    hint: 'check --binfmt-dir',
  },
  ELOOP: {
    code: 'NO_BINFMT_MISC',
    reason: 'too many symbolic links, or an automount point without its daemon',
    hint: 'as root: `systemctl restart proc-sys-fs-binfmt_misc.automount`, or check --binfmt-dir',
  },
  ENAMETOOLONG: { code: 'NO_BINFMT_MISC', reason: 'the path is too long', hint: 'check --binfmt-dir' },
  ENODEV: {
    code: 'NO_BINFMT_MISC',
    reason: 'the kernel does not support binfmt_misc',
    hint: 'as root: `modprobe binfmt_misc`',
  },
  EMFILE: { reason: 'too many open files', hint: 'raise the limit with `ulimit -n`' },
  ENFILE: { reason: 'too many open files in the system', hint: 'raise fs.file-max with sysctl' },
  ENOMEM: NO_MEMORY,
};

const REGISTERING: KernelExplanations = {
  EEXIST: {
    code: 'ENTRY_EXISTS',
    reason: 'an entry with that name exists',
    hint: 'use --replace to replace it',
  },
  ENAMETOOLONG: { reason: 'its name is longer than 255 bytes', hint: 'choose a shorter name' },
  ENOMEM: NO_MEMORY,
  EFAULT: {
    reason: 'the kernel could not read the rule',
    hint: 'try again; if it fails again, report it as a bug',
  },
  EPERM: {
    code: 'NO_PRIVILEGE',
    reason: 'operation not permitted by a security module',
    hint: 'allow it in the security module (see `dmesg`)',
  },
  EROFS: READ_ONLY,
};

/** With flag F, the kernel opens the interpreter at registration; since 6.7, before it checks the name. */
const INSTALLING_INTERPRETER: KernelExplanations = {
  ENOENT: { reason: 'does not exist', hint: 'install the emulator, or correct the path' },
  EACCES: {
    reason: 'cannot be executed: it is not an executable file, or its file system is mounted noexec',
    hint: 'use an executable file on a file system mounted without noexec',
  },
  ENOTDIR: { reason: 'has a path with a component that is not a directory', hint: 'check the path' },
  ELOOP: { reason: 'has too many symbolic links in its path', hint: 'check the links with `namei -l`' },
  ENAMETOOLONG: { reason: 'has a path that is too long', hint: 'choose a shorter path' },
  ETXTBSY: { reason: 'is open for writing', hint: 'wait until it is written, then try again' },
  ENOSPC: {
    reason: 'exceeds the number of interpreters that this user may register with flag F',
    hint: 'raise user.max_binfmt_misc_interpreters with sysctl, or uninstall other entries with flag F',
  },
  EPERM: {
    code: 'NO_PRIVILEGE',
    reason: 'may not be executed: a security module forbids it',
    hint: 'allow it in the security module (see `dmesg`)',
  },
};

const REGISTERING_BPF: KernelExplanations = {
  EINVAL: {
    reason: 'this kernel does not support BPF handlers for binfmt_misc',
    hint: 'use Linux 7.3 or later with CONFIG_BINFMT_MISC_BPF=y',
  },
  ENOENT: {
    reason: 'its BPF handler is not loaded in this user namespace',
    hint: 'load the BPF program first; `bpftool struct_ops show` lists the loaded ones',
  },
};

const COMMANDING: KernelExplanations = {
  ENOENT: {
    code: 'ENTRY_NOT_FOUND',
    reason: 'no such entry',
    hint: '`binfmtctl status` lists the entries',
  },
  ENAMETOOLONG: {
    code: 'ENTRY_NOT_FOUND',
    reason: 'the name is too long for an entry',
    hint: '`binfmtctl status` lists the entries',
  },
  EISDIR: { code: 'ENTRY_NOT_FOUND', reason: 'it is a directory', hint: 'check --binfmt-dir' },
  EINVAL: { reason: 'the kernel rejected the command', hint: 'report it as a bug, with `uname -r`' },
  E2BIG: { reason: 'the command is too long', hint: 'report it as a bug, with `uname -r`' },
  EBUSY: { reason: 'another process is changing it', hint: 'try again' },
};

function explainRegister(errno: string, rule: AnyRule, string: Uint8Array): KernelExplanation | undefined {
  if (isBpf(rule)) return REGISTERING_BPF[errno] ?? REGISTERING[errno];
  if (errno === 'EINVAL') return invalid(rule, string);
  const tooLongName = encodeText(rule.name).length > 255;
  const ofInterpreter = rule.flags.includes('F') && !(errno === 'ENAMETOOLONG' && tooLongName);
  const explanation = ofInterpreter ? INSTALLING_INTERPRETER[errno] : undefined;
  if (explanation === undefined) return REGISTERING[errno];
  return { ...explanation, reason: `its interpreter ${quote(rule.interpreter)} ${explanation.reason}` };
}

/** The kernel gives no reason. Our parser finds one, or the rule needs a newer kernel. */
function invalid({ pattern }: Rule, string: Uint8Array): KernelExplanation {
  const answer = parseRegister(string, { linux73: true });
  if ('errno' in answer) {
    return { reason: `invalid rule: ${answer.reason}`, hint: 'correct the rule' };
  }
  const beyond128 = pattern.type === 'magic' && pattern.offset + pattern.magic.length > 128;
  return {
    reason: 'the rule needs a newer kernel',
    hint: beyond128
      ? 'shorten the magic: before Linux 5.1, it must end within the first 128 bytes of a file'
      : 'use fewer flags: F requires Linux 4.8; D, T and L require Linux 7.3',
  };
}

function kernelError(
  what: string,
  explanation: KernelExplanation | undefined,
  errno: string,
  cause: unknown,
): BinfmtctlError {
  const { code = 'KERNEL_REFUSED', reason, hint } = explanation ?? UNKNOWN;
  return new BinfmtctlError(code, `${what}: ${reason} (${errno})`, { hint, cause });
}

const UNKNOWN: KernelExplanation = {
  reason: 'unexpected kernel error',
  hint: 'check the kernel log with `dmesg`',
};

const quote = (text: string): string => JSON.stringify(text);
