/**
 * Model of a binfmt_misc instance: the contents of its files, and the effect of a write(2) or unlink(2)
 * (fs/binfmt_misc.c). `execute` models execution.
 */
import { MAX_NAME_SIZE, RESERVED_NAMES } from '../../src/rule/check.ts';
import type { Errno } from '../../src/rule/execution/types.ts';
import { parseRegisterSyntax } from '../../src/rule/register.ts';
import { encodeText } from '../../src/rule/text.ts';
import { type AnyEntry, isBpf } from '../../src/rule/types.ts';
import { parseBinding, parseCommand } from './command.ts';

/** Features of a kernel. */
export interface InstanceKernel {
  /** Flags D, T and L, unlink(2) of entries, the limit of interpreters. */
  readonly linux73: boolean;
  /** CONFIG_BINFMT_MISC_BPF (Linux 7.3). */
  readonly bpf: boolean;
  /** True if the interpreter of flag F is opened before the name is checked: since 6.7. */
  readonly opensBeforeName: boolean;
  /** Sysctl user.max_binfmt_misc_interpreters (Linux 7.3); null for no limit. */
  readonly maxInterpreters: number | null;
}

export interface Instance {
  readonly kernel: InstanceKernel;
  /** State in `status`. */
  readonly enabled: boolean;
  /** In the order of readdir(3): the newest file first. */
  readonly files: readonly AnyEntry[];
  /**
   * Names in matching order, newest first. An entry registered with D is added when it is first enabled.
   */
  readonly order: readonly string[];
}

/** The environment of a write to an instance. */
export interface WriteSurroundings {
  /** The errno of opening a file for execution, with the writer's view and the opener's rights; null on success. */
  readonly openInterpreter: (path: string) => Errno | null;
  /** True if the user namespace has a BPF handler of that name (Linux 7.3). */
  readonly hasHandler: (name: string) => boolean;
}

/** The new instance; unchanged if there is an errno. */
export interface Change {
  readonly instance: Instance;
  /** Errno of open(2), write(2) or unlink(2). */
  readonly errno: Errno | null;
}

/** A new instance, also after its last mount was unmounted (since 6.7). */
export const emptyInstance = (kernel: InstanceKernel): Instance => ({
  kernel,
  enabled: true,
  files: [],
  order: [],
});

/** The entries in matching order, for `execute`. */
export const entriesToTry = ({ files, order }: Instance): readonly AnyEntry[] =>
  order.flatMap((name) => files.filter((entry) => entry.name === name));

/** Models a write(2) of `bytes` to the file `name`: `register`, `status` or an entry. */
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

/** Models an unlink(2), which removes an entry since Linux 7.3. */
export function unlink(instance: Instance, name: string): Change {
  if (RESERVED_NAMES.includes(name)) return refuse(instance, 'EPERM');
  if (!instance.files.some((each) => each.name === name)) return refuse(instance, missingErrno(name));
  return instance.kernel.linux73 ? succeed(without(instance, name)) : refuse(instance, 'EPERM');
}

/** bm_register_write(), with its checks in order. */
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

/** Opens an interpreter, then counts it. */
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

/** The first `1` moves an entry registered with D to the front. */
const published = (instance: Instance, name: string): Instance =>
  instance.order.includes(name) ? instance : { ...instance, order: [name, ...instance.order] };

const succeed = (instance: Instance): Change => ({ instance, errno: null });

const refuse = (instance: Instance, errno: Errno): Change => ({ instance, errno });
