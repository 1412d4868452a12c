/** What the kernel's refusals mean: each errno of fs/binfmt_misc.c and of opening its files, by what was tried. */

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

/** For a failed `write` of `string`, which is `rule` as it was told to the kernel. */
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

/** Every errno with a meaning of its own, for each of the three. */
export const KNOWN_ERRNOS = {
  openRegister: () => Object.keys(OPENING),
  register: () => [...Object.keys(REGISTERING), ...Object.keys(INSTALLING_INTERPRETER)],
  command: () => [...Object.keys(COMMANDING), ...Object.keys(OPENING)],
} as const;

const READ_ONLY: KernelExplanation = {
  code: 'READ_ONLY',
  reason: 'binfmt_misc is mounted read-only here',
  hint: `as root: \`mount -o remount,rw ${BINFMT_DIRECTORY}\`; in a container run it on the host instead`,
};

const OPENING: KernelExplanations = {
  EACCES: {
    code: 'NO_PRIVILEGE',
    reason: 'permission denied: only root of the user namespace that mounted binfmt_misc may write there',
    hint: 'run it as root on the host, or with an instance of its own: `unshare --user --map-root-user --mount`, and mount it there (Linux 6.7 and later)',
  },
  EPERM: {
    code: 'NO_PRIVILEGE',
    reason: 'operation not permitted: a security module, or the container, forbids it',
    hint: 'run it outside the container, or allow it in the security module (see `dmesg`)',
  },
  EROFS: READ_ONLY,
  ENOENT: {
    code: 'NO_BINFMT_MISC',
    reason: 'there is no such file: no binfmt_misc is mounted there',
    hint: `as root: \`mount -t binfmt_misc binfmt_misc ${BINFMT_DIRECTORY}\``,
  },
  ENOTDIR: {
    code: 'NO_BINFMT_MISC',
    reason: 'a part of the path is not a directory',
    hint: 'check --binfmt-dir',
  },
  ELOOP: {
    code: 'NO_BINFMT_MISC',
    reason: 'too many symbolic links, or an automount point that nobody serves',
    hint: 'as root: `systemctl restart proc-sys-fs-binfmt_misc.automount`, or check --binfmt-dir',
  },
  ENAMETOOLONG: { code: 'NO_BINFMT_MISC', reason: 'the path is too long', hint: 'check --binfmt-dir' },
  ENODEV: {
    code: 'NO_BINFMT_MISC',
    reason: 'the kernel has no binfmt_misc to mount there',
    hint: 'as root: `modprobe binfmt_misc`',
  },
  EMFILE: { reason: 'too many files are open', hint: 'raise the limit with `ulimit -n`' },
  ENFILE: { reason: 'too many files are open on this machine', hint: 'raise fs.file-max with sysctl' },
  ENOMEM: { reason: 'the kernel has no memory left', hint: 'end other programs, then try again' },
};

const REGISTERING: KernelExplanations = {
  EEXIST: {
    code: 'ENTRY_EXISTS',
    reason: 'there is an entry of that name, enabled or not',
    hint: 'replace it with --replace',
  },
  ENAMETOOLONG: { reason: 'its name is longer than 255 bytes', hint: 'choose a shorter name' },
  ENOMEM: { reason: 'the kernel has no memory left', hint: 'end other programs, then try again' },
  EFAULT: {
    reason: 'the kernel could not read the rule',
    hint: 'try again; if it stays, report it as a bug',
  },
  EPERM: {
    code: 'NO_PRIVILEGE',
    reason: 'operation not permitted: a security module forbids it',
    hint: 'allow it in the security module (see `dmesg`)',
  },
  EROFS: READ_ONLY,
};

/** With flag F the kernel opens the interpreter at once, and before it looks at the name (since 6.7). */
const INSTALLING_INTERPRETER: KernelExplanations = {
  ENOENT: { reason: 'does not exist', hint: 'install the emulator, or correct the path' },
  EACCES: {
    reason: 'cannot be executed: it is not a regular file with execute permission, or is on a noexec mount',
    hint: 'name an executable program on a file system mounted without noexec',
  },
  ENOTDIR: { reason: 'has a file where a directory should be in its path', hint: 'correct the path' },
  ELOOP: {
    reason: 'is behind too many symbolic links',
    hint: '`namei -l PATH` shows where they lead',
  },
  ENAMETOOLONG: { reason: 'has a path that is too long', hint: 'choose a shorter path' },
  ETXTBSY: { reason: 'is open for writing', hint: 'wait until it is completely written, then try again' },
  ENOSPC: {
    reason: 'is one more than this user may hold open with flag F',
    hint: 'raise user.max_binfmt_misc_interpreters with sysctl, or remove other entries with flag F',
  },
  EPERM: {
    code: 'NO_PRIVILEGE',
    reason: 'must not be executed, says a security module',
    hint: 'allow it in the security module (see `dmesg`)',
  },
};

const REGISTERING_BPF: KernelExplanations = {
  EINVAL: {
    reason: 'this kernel has no BPF handlers for binfmt_misc',
    hint: 'use Linux 7.3 or later with CONFIG_BINFMT_MISC_BPF=y',
  },
  ENOENT: {
    reason: 'there is no BPF handler of its name in this user namespace',
    hint: 'load the program that defines it first; `bpftool struct_ops show` lists what there is',
  },
};

const COMMANDING: KernelExplanations = {
  ENOENT: {
    code: 'ENTRY_NOT_FOUND',
    reason: 'there is no such entry',
    hint: '`binfmtctl status` lists the entries',
  },
  ENAMETOOLONG: {
    code: 'ENTRY_NOT_FOUND',
    reason: 'no entry can have so long a name',
    hint: '`binfmtctl status` lists the entries',
  },
  EISDIR: { code: 'ENTRY_NOT_FOUND', reason: 'it is a directory', hint: 'check --binfmt-dir' },
  EINVAL: { reason: 'the kernel does not know the command', hint: 'report it as a bug, with `uname -r`' },
  E2BIG: { reason: 'the command is too long', hint: 'report it as a bug, with `uname -r`' },
  EBUSY: { reason: 'it is being changed by another process', hint: 'try again' },
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

/** The kernel gives no reason: our own reading of the string does, or else the kernel is older than it. */
function invalid({ pattern }: Rule, string: Uint8Array): KernelExplanation {
  const answer = parseRegister(string, { linux73: true });
  if ('errno' in answer) {
    return { reason: `the kernel cannot read the rule: ${answer.reason}`, hint: 'correct the rule' };
  }
  const beyond128 = pattern.type === 'magic' && pattern.offset + pattern.magic.length > 128;
  return {
    reason: 'this kernel refuses a rule that later ones take',
    hint: beyond128
      ? 'before Linux 5.1 a magic must end within the first 128 bytes of a file: shorten it'
      : 'use fewer flags: F needs Linux 4.8, D, T and L need 7.3',
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
  reason: 'the kernel refused',
  hint: 'look at the kernel log with `dmesg`',
};

const quote = (text: string): string => JSON.stringify(text);
