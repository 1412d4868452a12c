/**
 * An instance of binfmt_misc as a value: what its files show, and what becomes of it with one write(2) or unlink(2)
 * (fs/binfmt_misc.c). What happens when a file is executed in it is `execute`'s to say.
 */
import { MAX_NAME_SIZE, RESERVED_NAMES } from '../../src/rule/check.ts';
import type { Errno } from '../../src/rule/execution/types.ts';
import { parseRegisterSyntax } from '../../src/rule/register.ts';
import { encodeText } from '../../src/rule/text.ts';
import { type AnyEntry, isBpf } from '../../src/rule/types.ts';
import { parseBinding, parseCommand } from './command.ts';

/** What the kernel of an instance can do. */
export interface InstanceKernel {
  /** Flags D, T and L, unlink(2) of entries, the limit of interpreters. */
  readonly linux73: boolean;
  /** CONFIG_BINFMT_MISC_BPF (Linux 7.3). */
  readonly bpf: boolean;
  /** Whether the interpreter of flag F is opened before the name is looked at: since 6.7. */
  readonly opensBeforeName: boolean;
  /** Sysctl user.max_binfmt_misc_interpreters (Linux 7.3); null where there is no limit. */
  readonly maxInterpreters: number | null;
}

export interface Instance {
  readonly kernel: InstanceKernel;
  /** What `status` says. */
  readonly enabled: boolean;
  /** In the order of readdir(3): the newest file first. */
  readonly files: readonly AnyEntry[];
  /**
   * Names in the order in which they are tried: the newest first, an entry that was registered with D counting from
   * when it was first enabled, and not at all before.
   */
  readonly order: readonly string[];
}

/** What the kernel finds around an instance when it is written to. */
export interface WriteSurroundings {
  /** The errno of opening a file for execution, as the writer sees it and the opener of the file may; null where it opens. */
  readonly openInterpreter: (path: string) => Errno | null;
  /** Whether there is a BPF handler of that name in the user namespace (Linux 7.3). */
  readonly hasHandler: (name: string) => boolean;
}

/** The instance afterwards; it is the same where there is an errno. */
export interface Change {
  readonly instance: Instance;
  /** Of open(2), write(2) or unlink(2). */
  readonly errno: Errno | null;
}

/** As it is first mounted, and again after its last mount has gone (since 6.7). */
export const emptyInstance = (kernel: InstanceKernel): Instance => ({
  kernel,
  enabled: true,
  files: [],
  order: [],
});

/** The entries in the order in which they are tried, for `execute`. */
export const entriesToTry = ({ files, order }: Instance): readonly AnyEntry[] =>
  order.flatMap((name) => files.filter((entry) => entry.name === name));

/** One write(2) of `bytes` to the file called `name`: `register`, `status` or an entry. */
export function write(
  instance: Instance,
  name: string,
  bytes: Uint8Array,
  surroundings: WriteSurroundings,
): Change {
  if (name === 'register') return register(instance, bytes, surroundings);
  if (name === 'status') return writeStatus(instance, bytes);
  const entry = instance.files.find((each) => each.name === name);
  return entry === undefined
    ? refuse(instance, missingErrno(name))
    : writeEntry(instance, entry, bytes, surroundings);
}

/** One unlink(2), which since Linux 7.3 removes an entry. */
export function unlink(instance: Instance, name: string): Change {
  if (RESERVED_NAMES.includes(name)) return refuse(instance, 'EPERM');
  if (!instance.files.some((each) => each.name === name)) return refuse(instance, missingErrno(name));
  return instance.kernel.linux73 ? succeed(without(instance, name)) : refuse(instance, 'EPERM');
}

/** bm_register_write(): each check comes before those below it. */
function register(instance: Instance, bytes: Uint8Array, surroundings: WriteSurroundings): Change {
  const { kernel, files, order } = instance;
  const parsed = parseRegisterSyntax(bytes, kernel);
  if ('errno' in parsed) return refuse(instance, parsed.errno);
  const { rule, disabled } = parsed;
  const ofName = nameErrno(instance, rule.name);
  if (!kernel.opensBeforeName && ofName !== null) return refuse(instance, ofName);
  if (isBpf(rule) && !surroundings.hasHandler(rule.handler)) return refuse(instance, 'ENOENT');
  if (!isBpf(rule) && rule.flags.includes('F')) {
    const errno = holdErrno(instance, rule.interpreter, surroundings);
    if (errno !== null) return refuse(instance, errno);
  }
  if (ofName !== null) return refuse(instance, ofName);
  return succeed({
    ...instance,
    files: [{ ...rule, enabled: !disabled }, ...files],
    order: disabled ? order : [rule.name, ...order],
  });
}

function writeStatus(instance: Instance, bytes: Uint8Array): Change {
  switch (parseCommand(bytes)) {
    case 'disable':
      return succeed({ ...instance, enabled: false });
    case 'enable':
      return succeed({ ...instance, enabled: true });
    case 'remove':
      return succeed({ ...instance, files: [], order: [] });
    case 'nothing':
      return succeed(instance);
    case null:
      return refuse(instance, 'EINVAL');
  }
}

/** bm_entry_write(). */
function writeEntry(
  instance: Instance,
  entry: AnyEntry,
  bytes: Uint8Array,
  surroundings: WriteSurroundings,
): Change {
  const { linux73 } = instance.kernel;
  if (linux73 && bytes.length > MAX_COMMAND_SIZE) return refuse(instance, 'E2BIG');
  if (linux73 && bytes[0] === PLUS) return bind(instance, entry, bytes, surroundings);
  switch (parseCommand(bytes)) {
    case 'disable':
      return succeed(replaced(instance, { ...entry, enabled: false }));
    case 'enable':
      return succeed(published(replaced(instance, { ...entry, enabled: true }), entry.name));
    case 'remove':
      return succeed(without(instance, entry.name));
    case 'nothing':
      return succeed(instance);
    case null:
      return refuse(instance, 'EINVAL');
  }
}

const PLUS = 0x2b;
/** MAX_BINDING_LENGTH: a name, a path (PATH_MAX), `+`, a space and a newline. */
const MAX_COMMAND_SIZE = 32 + 4096 + 3;
/** BINFMT_MISC_INTERP_MAX. */
const MAX_BINDINGS = 100;

/** bm_entry_add_interp(). */
function bind(
  instance: Instance,
  entry: AnyEntry,
  bytes: Uint8Array,
  surroundings: WriteSurroundings,
): Change {
  if (!isBpf(entry)) return refuse(instance, 'EINVAL');
  if (instance.order.includes(entry.name)) return refuse(instance, 'EBUSY');
  const bound = parseBinding(bytes);
  if (bound === null) return refuse(instance, 'EINVAL');
  const opened = surroundings.openInterpreter(bound.path);
  if (opened !== null) return refuse(instance, opened);
  const { interpreters } = entry;
  if (interpreters.some(({ name }) => name === bound.name)) return refuse(instance, 'EEXIST');
  if (interpreters.length >= MAX_BINDINGS || isFull(instance)) return refuse(instance, 'ENOSPC');
  return succeed(replaced(instance, { ...entry, interpreters: [...interpreters, bound] }));
}

/** Opens an interpreter, and then counts it. */
function holdErrno(instance: Instance, path: string, { openInterpreter }: WriteSurroundings): Errno | null {
  return openInterpreter(path) ?? (isFull(instance) ? 'ENOSPC' : null);
}

function isFull({ kernel: { maxInterpreters }, files }: Instance): boolean {
  const counts = files.map((entry) =>
    isBpf(entry) ? entry.interpreters.length : Number(entry.flags.includes('F')),
  );
  return maxInterpreters !== null && counts.reduce((sum, each) => sum + each, 0) >= maxInterpreters;
}

function nameErrno({ files }: Instance, name: string): Errno | null {
  if (encodeText(name).length > MAX_NAME_SIZE) return 'ENAMETOOLONG';
  return RESERVED_NAMES.includes(name) || files.some((each) => each.name === name) ? 'EEXIST' : null;
}

const missingErrno = (name: string): Errno =>
  encodeText(name).length > MAX_NAME_SIZE ? 'ENAMETOOLONG' : 'ENOENT';

const replaced = (instance: Instance, entry: AnyEntry): Instance => ({
  ...instance,
  files: instance.files.map((each) => (each.name === entry.name ? entry : each)),
});

const without = (instance: Instance, name: string): Instance => ({
  ...instance,
  files: instance.files.filter((each) => each.name !== name),
  order: instance.order.filter((each) => each !== name),
});

/** The first `1` puts an entry that was registered with D at the head. */
const published = (instance: Instance, name: string): Instance =>
  instance.order.includes(name) ? instance : { ...instance, order: [name, ...instance.order] };

const succeed = (instance: Instance): Change => ({ instance, errno: null });

const refuse = (instance: Instance, errno: Errno): Change => ({ instance, errno });
