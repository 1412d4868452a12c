import { type CheckedInterpreters, openInterpreters } from '../../binfmt/checked-interpreters.ts';
import { listEntries } from '../../binfmt/entries.ts';
import { entryNames } from '../../binfmt/entry-file.ts';
import { runningKernelFeatures } from '../../binfmt/features.ts';
import { inspectInstance } from '../../binfmt/instance/instance.ts';
import { disable, isRegistered, unregister } from '../../binfmt/register.ts';
import { type ConfigFile, readAllFiles, readNamedFile } from '../../boot/binfmt-d-files.ts';
import type { Context } from '../../context.ts';
import { BinfmtctlError } from '../../errors.ts';
import { decodeBinfmtD, type RuleLine } from '../../file-format/binfmt-d.ts';
import { MAX_NAME_SIZE, RESERVED_NAMES } from '../../rule/check.ts';
import { parseRegister } from '../../rule/register.ts';
import { encodeText } from '../../rule/text.ts';
import type { Entry, Rule } from '../../rule/types.ts';
import { findUnsafe, warnOfScripts } from '../../safety/machine-safety.ts';
import { findUnfitInterpreters } from '../../safety/unfit-interpreters.ts';
import { lastOfEachName, rulePlanner } from '../../state/plan-rules.ts';
import { replacement } from '../../state/replacement.ts';
import { applyStep } from '../../state/step.ts';
import { errnoOf } from '../../system/file/file-error.ts';
import { strerror } from '../../system/strerror.ts';

export interface SystemdBinfmtRequest {
  /** Files from the command line; empty for all files in the binfmt.d directories. */
  readonly files: readonly string[];
  /** Remove all entries first, including those of other programs, as systemd-binfmt does. */
  readonly flush: boolean;
}

/** Error messages, one line each; empty on success. */
export type Complaints = readonly string[];

/** A rule of a file, or an error message. */
type ConfigItem =
  | {
      readonly rule: Rule;
      /** False with flag D (Linux 7.3). */
      readonly enabled: boolean;
      readonly place: string;
      readonly name: string;
    }
  | { readonly complaint: string };

/**
 * Registers the rules of binfmt.d like systemd-binfmt(8) 262, but changes only the necessary entries: equal entries stay,
 * including those of other programs, and an entry is removed only after the kernel has accepted its replacement. Refuses rules
 * that would stop the machine. Does nothing if binfmt_misc is not mounted or not writable.
 */
export async function applyBinfmtD(
  { files, flush }: SystemdBinfmtRequest,
  context: Context,
): Promise<Complaints> {
  const { binfmtDirectory } = context;
  const read = files.length > 0 ? files.map(readNamedFile) : readAllFiles();
  if (!isWritable(binfmtDirectory)) return [];
  const isFlushed = flush && files.length === 0;
  const found = read.flatMap(itemsOf);
  using checked = openInterpreters(found.flatMap((item) => ('rule' in item ? [item.rule] : [])));
  const items = await omitUnsafe(found, context, { isFlushed });
  if (isFlushed) removeEntries(binfmtDirectory, () => true);
  const rules = new Map(
    items.flatMap((item) => ('rule' in item ? [[item.rule, item.enabled] as const] : [])),
  );
  const failed = new Map<Rule, string>();
  const entries = listEntries(binfmtDirectory);
  const planner = rulePlanner(entries);
  for (const rule of lastOfEachName([...rules.keys()])) {
    const enabled = rules.get(rule) === true;
    const change = planner.plan(rule, { enabled });
    const { keep } = change;
    const reason = keep ? null : await replace(rule, entries, context, checked);
    if (reason === null && !keep && !enabled) disable(binfmtDirectory, rule.name);
    if (reason === null) planner.place(rule, change);
    else failed.set(rule, reason);
  }
  return items.flatMap((item) => {
    if ('complaint' in item) return [item.complaint];
    const reason = failed.get(item.rule);
    return reason === undefined ? [] : [failedToAdd(item.place, item.name, reason)];
  });
}

/** Removes the entries that binfmt.d files name; with `flush`, all entries. */
export function unregisterBinfmtD(
  { binfmtDirectory }: Context,
  { flush }: { readonly flush: boolean },
): void {
  if (!isWritable(binfmtDirectory)) return;
  const lines = readAllFiles().flatMap((file) => ('bytes' in file ? decodeBinfmtD(file.bytes).rules : []));
  const registeredNames = new Set(lines.map(({ name }) => name));
  removeEntries(binfmtDirectory, (name) => flush || registeredNames.has(name));
}

/** The contents of all binfmt.d files; with `tldr`, without comments and empty lines. */
export function showBinfmtD({ tldr }: { readonly tldr: boolean }): {
  readonly text: string;
  readonly complaints: Complaints;
} {
  const files = readAllFiles();
  const shown = files.flatMap((file) => ('bytes' in file ? [textOf(file.name, file.bytes, { tldr })] : []));
  return {
    text: shown.join('\n'),
    complaints: files.flatMap((file) => ('complaint' in file ? [file.complaint] : [])),
  };
}

function textOf(name: string, bytes: Uint8Array, { tldr }: { readonly tldr: boolean }): string {
  if (bytes.length === 0) return `# ${name} is a mask.\n`;
  const rules = decodeBinfmtD(bytes).rules.map(({ text }) => `${text}\n`);
  return `# ${name}\n${tldr ? rules.join('') : new TextDecoder().decode(bytes)}`;
}

function isWritable(directory: string): boolean {
  const { mounted, writable } = inspectInstance(directory);
  return mounted && writable;
}

function removeEntries(directory: string, isToRemove: (name: string) => boolean): void {
  for (const name of entryNames(directory)) if (isToRemove(name)) unregister(directory, name);
}

function itemsOf(file: ConfigFile): readonly ConfigItem[] {
  if ('complaint' in file) return [file];
  const { rules, cut } = decodeBinfmtD(file.bytes);
  const items = rules.map((line) => itemOf(line, `${file.name}:${line.line}`));
  const complaint = `Failed to read file '${file.name}': ${strerror('ENOBUFS')}`;
  return cut ? [...items, { complaint }] : items;
}

function itemOf({ name, text }: RuleLine, place: string): ConfigItem {
  if (!isValidName(name)) return { complaint: `${place}: Rule name '${name}' is not valid, refusing.` };
  const { linux73 } = runningKernelFeatures();
  const parsed = parseRegister(encodeText(`${text}\n`), { linux73 });
  return 'errno' in parsed
    ? { complaint: failedToAdd(place, name, strerror(parsed.errno)) }
    : { rule: parsed.rule, enabled: !parsed.disabled, place, name };
}

/** Like systemd's filename_is_valid(), but also rejects the two control files of the instance. */
function isValidName(name: string): boolean {
  if (['', '.', '..', ...RESERVED_NAMES].includes(name) || name.includes('/')) return false;
  return encodeText(name).length <= MAX_NAME_SIZE;
}

const failedToAdd = (place: string, name: string, reason: string): string =>
  `${place}: Failed to add binary format '${name}': ${reason}`;

async function omitUnsafe(
  items: readonly ConfigItem[],
  context: Context,
  { isFlushed }: { readonly isFlushed: boolean },
): Promise<readonly ConfigItem[]> {
  const rules = items.flatMap((item) => ('rule' in item ? [item.rule] : []));
  const unsafe = await findUnsafe(rules, context, isFlushed ? { entries: [] } : {});
  const safe = rules.filter((rule) => !unsafe.has(rule));
  warnOfScripts(safe, context);
  const unfit = findUnfitInterpreters(safe, context, { kernelRefuses: true });
  return items.flatMap((item): readonly ConfigItem[] => {
    if (!('rule' in item)) return [item];
    const refusal = unsafe.get(item.rule);
    if (refusal !== undefined) return [{ complaint: `${item.place}: ${refusal.message}` }];
    const why = unfit.get(item.rule)?.message;
    if (why === undefined) return [item];
    // systemd-binfmt would register it and exit with 0, so this is only a warning.
    context.report({ kind: 'warning', text: `${item.place}: ${why}` });
    return [];
  });
}

/** Registers a rule; replaces an entry of its name only after the kernel has accepted the rule. Returns why it failed, otherwise null. */
async function replace(
  rule: Rule,
  entries: readonly Entry[],
  context: Context,
  checked: CheckedInterpreters,
): Promise<string | null> {
  try {
    await replaceEntry(rule, { entries }, context, checked);
    return null;
  } catch (error) {
    if (!(error instanceof BinfmtctlError)) throw error;
    if (error.code === 'UNSAFE_RULE') return error.message;
    const errno = errnoOf(error.cause);
    if (errno === null) throw error;
    return strerror(errno);
  }
}

async function replaceEntry(
  rule: Rule,
  { entries, isSecond = false }: { readonly entries: readonly Entry[]; readonly isSecond?: boolean },
  context: Context,
  checked: CheckedInterpreters,
): Promise<void> {
  const entry = entries.find(({ name }) => name === rule.name);
  const { stage, swap } =
    entry === undefined
      ? { stage: [{ kind: 'register', rule } as const], swap: [] }
      : replacement(entry, rule, entries);
  try {
    for (const step of [...stage, ...swap]) await applyStep(step, context, checked);
  } catch (error) {
    if (entry !== undefined || isSecond || !isEntryExists(error)) throw error;
    // Another program registered an entry of that name in the meantime.
    if (isRegistered(context.binfmtDirectory, rule)) return;
    const now = listEntries(context.binfmtDirectory);
    await replaceEntry(rule, { entries: now, isSecond: true }, context, checked);
  }
}

const isEntryExists = (error: unknown): boolean =>
  error instanceof BinfmtctlError && error.code === 'ENTRY_EXISTS';
