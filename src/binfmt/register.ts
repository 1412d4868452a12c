/** Changes an instance. Each change is one write(2) to `register` or to a single entry, never to `status`. */
import { BinfmtctlError } from '../errors.ts';
import { formatBinding } from '../rule/bpf-entry.ts';
import { equalRules } from '../rule/equal.ts';
import { formatBpfRegister, formatRegister } from '../rule/register.ts';
import { encodeText } from '../rule/text.ts';
import { type AnyEntry, type AnyRule, isBpf } from '../rule/types.ts';
import { errnoOf } from '../system/file/file-error.ts';
import type { CheckedInterpreters } from './checked-interpreters.ts';
import { readAnyEntry, readEntries, requireEntryName, tryReadEntry } from './entries.ts';
import { writeOnce } from './entry-file.ts';
import { commandError, type EntryAction, openRegisterError, registerError } from './errno.ts';
import { type KernelFeatures, runningKernelFeatures } from './features.ts';
import { requireMounted } from './instance/instance.ts';

/**
 * Registers a rule as the newest entry and reads it back. Removes it again if the kernel's entry differs or `checked` finds a
 * different interpreter. On Linux 7.3 and later, the entry stays disabled until these checks have passed.
 *
 * @throws BAD_RULE, UNSAFE_RULE, ENTRY_EXISTS, KERNEL_REFUSED, NO_PRIVILEGE, READ_ONLY, NO_BINFMT_MISC.
 */
export function register(
  directory: string,
  rule: AnyRule,
  checked?: Pick<CheckedInterpreters, 'assertHeld'>,
): void {
  requireMounted(directory);
  const features = runningKernelFeatures();
  const disabled = features.registersDisabled || isBpf(rule);
  const { string, bindings } = writesFor(rule, features, { disabled });
  try {
    writeOnce(directory, 'register', string);
  } catch (error) {
    throw refusal(error, directory, rule, string);
  }
  try {
    for (const binding of bindings) write(directory, rule.name, 'configure', binding);
    requireSame(directory, rule, { disabled });
    checked?.assertHeld(rule);
    if (disabled) enable(directory, rule.name);
  } catch (error) {
    throw rollBack(error, directory, rule.name);
  }
}

/** Whether an enabled entry with the rule's name is equal to the rule. */
export function isRegistered(directory: string, rule: AnyRule): boolean {
  const entry = readEntries(directory).all.find(({ name }) => name === rule.name);
  return entry?.enabled === true && !('extra' in entry) && equalRules(rule, entry);
}

interface Writes {
  readonly string: Uint8Array;
  /** Written to the entry before it is first enabled. */
  readonly bindings: readonly Uint8Array[];
}

function writesFor(
  rule: AnyRule,
  { linux73 }: KernelFeatures,
  { disabled }: { readonly disabled: boolean },
): Writes {
  if (!isBpf(rule)) return { string: formatRegister(rule, { disabled, linux73 }), bindings: [] };
  return {
    string: formatBpfRegister(rule, { disabled }),
    bindings: rule.interpreters.map(formatBinding),
  };
}

/** Removes one entry. @throws ENTRY_NOT_FOUND, NO_PRIVILEGE, READ_ONLY, NO_BINFMT_MISC, KERNEL_REFUSED. */
export function unregister(directory: string, name: string): void {
  command(directory, name, 'remove', '-1');
}

/** Enables an entry, which keeps its place in the order. Throws what `unregister` does. */
export function enable(directory: string, name: string): void {
  command(directory, name, 'enable', '1');
}

/** Disables an entry, which keeps its place in the order. Throws what `unregister` does. */
export function disable(directory: string, name: string): void {
  command(directory, name, 'disable', '0');
}

function command(directory: string, name: string, what: EntryAction, text: '-1' | '0' | '1'): void {
  write(directory, name, what, encodeText(text));
}

function write(directory: string, name: string, what: EntryAction, bytes: Uint8Array): void {
  // Without a mounted instance, this would overwrite a file.
  requireMounted(directory);
  requireEntryName(name);
  try {
    writeOnce(directory, name, bytes);
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === null ? error : commandError(errno, what, name, error);
  }
}

function refusal(error: unknown, directory: string, rule: AnyRule, string: Uint8Array): unknown {
  const errno = errnoOf(error);
  if (errno === null) return error;
  const isOpen = error instanceof Error && 'syscall' in error && error.syscall === 'open';
  return isOpen ? openRegisterError(errno, directory, error) : registerError(errno, rule, string, error);
}

function requireSame(directory: string, rule: AnyRule, { disabled }: { readonly disabled: boolean }): void {
  const entry = readBack(directory, rule.name);
  if (entry && equalRules(rule, entry) && entry.enabled === !disabled && !('extra' in entry)) return;
  throw new BinfmtctlError(
    'KERNEL_REFUSED',
    `entry ${JSON.stringify(rule.name)} differs from its rule after registration`,
    { hint: 'report it as a bug, with `uname -r`' },
  );
}

/** Null if the text is ambiguous, such as an interpreter with a newline before `flags: `. */
function readBack(directory: string, name: string): AnyEntry | null {
  try {
    return tryReadEntry(directory, name) ?? readAnyEntry(directory, name);
  } catch (error) {
    if (error instanceof BinfmtctlError && error.code === 'BAD_ENTRY') return null;
    throw error;
  }
}

/** Removes an entry that failed its check. Returns the error to throw, which includes the error of a failed removal. */
function rollBack(error: unknown, directory: string, name: string): unknown {
  try {
    unregister(directory, name);
    return error;
  } catch (second) {
    if (second instanceof BinfmtctlError && second.code === 'ENTRY_NOT_FOUND') return error;
    const message = `entry ${JSON.stringify(name)} failed its check and cannot be removed`;
    return new BinfmtctlError('ROLLBACK_FAILED', message, {
      hint: `as root: \`echo -1 > ${directory}/${name}\``,
      cause: new AggregateError([error, second], message),
    });
  }
}
