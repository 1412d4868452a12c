import { basename } from 'node:path';
import coerce from 'semver/functions/coerce.js';
import gte from 'semver/functions/gte.js';
import { runningKernelFeatures } from '../binfmt/features.ts';
import { bootFilePath, bootFormatOf, persistedText } from '../boot/boot-file.ts';
import type { BootFormat } from '../boot/persistence.ts';
import { emulatorPattern } from '../catalogue/resolve.ts';
import type { EmulatorProfile } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { readStoreFile } from '../emulators/store/trust.ts';
import type { Emulator } from '../emulators/types.ts';
import { BinfmtctlError } from '../errors.ts';
import type { FoundEmulator } from '../obtain/found.ts';
import { PRESERVING } from '../obtain/preserve-argv0.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Flag, Rule } from '../rule/types.ts';
import { decodeRegistration, encodeRegistration, type Registration } from '../state/registration.ts';
import { registrationPath } from '../state/registrations.ts';
import { readTextIfExists } from '../system/file/read-file.ts';
import { isProgram } from '../system/process/tools.ts';
import {
  fileLeftWarning,
  fileReplacedWarning,
  isOwnBootText,
  type PersistedFile,
  persistedFiles,
} from './boot/boot-files.ts';
import { findHidden, unhiddenFileWarning } from './boot/hidden-files.ts';
import { archHead, competingFiles } from './boot/shadowing.ts';
import { desiredLinks } from './links/links.ts';
import type { DesiredState } from './plan.ts';
import type { RuleOptions } from './types.ts';

/**
 * The rule for an emulator, with the files that go with it: the registration and the boot files.
 *
 * An entry that is there already and does the same stays its maker's; the note then says that it is not ours.
 */
export async function buildDesiredState(
  found: FoundEmulator,
  options: RuleOptions,
  entries: readonly Entry[],
  context: Context,
): Promise<DesiredState> {
  const { arch, profile, emulator } = found;
  const name = entryName(found);
  const entry = entries.find((each) => each.name === name);
  const hadCredentials = entry?.flags.includes('C') === true;
  if (options.credentials === false && hadCredentials)
    context.report({ kind: 'warning', text: keepsCredentials(name) });
  const credentials = options.credentials === 'new' ? entry === undefined : options.credentials;
  const path = registrationPath(context.store, name);
  const note = readStoreFile(context.store, 'registrations', basename(path));
  const before = note === null ? null : decodeRegistration(note);
  const { bootFiles, obsolete } = bootFilesFor({ name, head: archHead(arch), before }, options, context);
  const rule = await buildRule(found, {
    credentials: credentials || hadCredentials,
    persist: bootFiles.some(({ how }) => how === 'binfmt-support') ? 'binfmt-support' : options.persist,
  });
  if (bootFiles.length > 0) assertPersistable(rule);
  const { links, changes } = desiredLinks(found, { directory: options.link, before }, context);
  const text = encodeRegistration({
    arch: arch.id,
    rule,
    emulator: { profile: profile.id, sha256: emulator.sha256, version: emulator.version },
    registered:
      before?.registered === true || options.replace || entry === undefined || !equalRules(entry, rule),
    persisted: persistedWith(before, { bootFiles, obsolete }, context),
    ...(links.length > 0 && { links }),
    replaced: replacedBy(before, entry),
  });
  const lasting = bootFiles.flatMap(({ path, now }) => {
    const written = persistedText(path, rule);
    return written === null ? [] : [{ path, text: written, previous: now }];
  });
  return {
    arch: arch.id,
    rule,
    files: [{ path, text, previous: note }, ...lasting],
    obsolete,
    links: changes,
  };
}

/** The rule of another program's entry that goes; the first one, if ours was registered again since. */
function replacedBy(before: Registration | null, entry: Entry | undefined): Rule | undefined {
  const isOurs = before?.registered === true && entry !== undefined && equalRules(entry, before.rule);
  if (entry === undefined || entry.extra !== undefined || isOurs) return before?.replaced;
  const { enabled: _, ...rule } = entry;
  return rule;
}

/** A boot file that is to register the rule. */
interface DesiredBootFile {
  readonly how: BootFormat;
  readonly path: string;
  readonly name: string;
  readonly now: string | null;
}

/** An entry with the first bytes of the programs that it takes, and its registration before this installation. */
interface EntryBefore {
  readonly name: string;
  readonly head: Uint8Array;
  readonly before: Registration | null;
}

interface BootFileChanges {
  readonly bootFiles: readonly DesiredBootFile[];
  readonly obsolete: NonNullable<DesiredState['obsolete']>;
}

/**
 * The file that the request asks for, and those of earlier requests: an entry that is persisted stays persisted. A file
 * that was changed or removed since stays as it is, unless the request asks for it. One that hides rules of other entries goes.
 */
function bootFilesFor(
  { name, head, before }: EntryBefore,
  { persist }: RuleOptions,
  context: Context,
): BootFileChanges {
  const earlier = before === null ? [] : persistedFiles(before, context);
  const isWritten = ({ state }: PersistedFile): boolean => state === 'current' || state === 'stale';
  const hidden = findHidden(name, context);
  const hiding = earlier.filter((file) => isWritten(file) && file.path === hidden?.by);
  const isIn = (how: BootFormat): boolean => earlier.some(({ path }) => bootFormatOf(path, name) === how);
  const isLasting = persist === 'binfmt.d' || (persist === 'none' && isIn('binfmt.d')) || hiding.length > 0;
  const competing = isLasting
    ? [...competingFiles(head, name), ...(hidden ? [basename(hidden.path)] : [])]
    : [];
  const trailing = competing.length === 0 ? [] : [bootFilePath('binfmt.d', name, competing)];
  const isOpen = persist !== 'none' && (persist !== 'binfmt.d' || trailing.length === 0);
  const requested = [...trailing, ...(isOpen ? [bootFilePath(persist, name)] : [])];
  for (const { path } of earlier.filter(({ state }) => state === 'changed'))
    context.report({
      kind: 'warning',
      text: requested.includes(path) ? fileReplacedWarning(path) : fileLeftWarning(path),
    });
  const others = earlier.filter((file) => isWritten(file) && !requested.includes(file.path));
  const files = [
    ...requested.map((path) => ({ path, now: readTextIfExists(path) })),
    ...others.filter((file) => !hiding.includes(file)),
  ];
  const bootFiles = files.flatMap(({ path, now }) => {
    const how = bootFormatOf(path, name);
    return how === null ? [] : [{ how, path, name, now }];
  });
  const obsolete = others.flatMap(({ path, now }) => {
    if (now === null || path !== hidden?.by) return [];
    context.report({ kind: 'warning', text: unhiddenFileWarning(hidden) });
    const restored = before?.persisted.find((each) => each.path === path)?.previous ?? null;
    return [{ path, restored, now }];
  });
  return { bootFiles, obsolete };
}

/** @throws EMULATOR_NOT_FOUND for an interpreter that the next boot could not register or run. */
export function assertPersistable({ name, interpreter }: Pick<Rule, 'name' | 'interpreter'>): void {
  if (isProgram(interpreter)) return;
  throw new BinfmtctlError(
    'EMULATOR_NOT_FOUND',
    `cannot persist entry ${name}: its interpreter ${interpreter} is missing or not an executable file`,
    { hint: 'name an emulator with --source; binfmtctl then copies it into its store' },
  );
}

type FlagOptions = Pick<RuleOptions, 'persist'> & { readonly credentials: boolean };

/** The rule for an emulator, as such. */
export async function buildRule(found: FoundEmulator, options: FlagOptions): Promise<Rule> {
  return {
    name: entryName(found),
    pattern: emulatorPattern(found.arch, found.profile),
    interpreter: found.emulator.path,
    flags: await flagsFor(found, options),
  };
}

const entryName = ({ arch, profile }: FoundEmulator): string =>
  profile.entry.replace('{target}', profile.guests[arch.id] ?? arch.id);

/** Without C, set-user-ID programs inside a root file system would silently lose their rights. */
function keepsCredentials(name: string): string {
  return `entry ${name} keeps flag C, with which set-user-ID programs run with their owner's rights; to remove the flag, run \`binfmtctl uninstall ${name}\` first`;
}

/** The boot files with what `uninstall` restores: the text before our first one. Texts that binfmtctl wrote do not come back. */
function persistedWith(
  before: Registration | null,
  { bootFiles, obsolete }: BootFileChanges,
  context: Context,
): Registration['persisted'] {
  const earlier = before?.persisted ?? [];
  const others = earlier.filter(
    (each) => ![...bootFiles, ...obsolete].some(({ path }) => path === each.path),
  );
  const written = bootFiles.map(({ path, name, now }) => {
    const first = earlier.find((each) => each.path === path);
    const previous = first === undefined ? now : first.previous;
    const isForeign = previous !== null && !isOwnBootText(path, name, previous, context);
    return { path, previous: isForeign ? previous : null };
  });
  return [...others, ...written];
}

/** Flags follow facts: F with a static emulator, and where the makers register a dynamic one so, P only where kernel and emulator agree on it. */
async function flagsFor(
  { profile, emulator }: FoundEmulator,
  { credentials, persist }: FlagOptions,
): Promise<readonly Flag[]> {
  const preserve = preservesArgv0(profile, emulator);
  // binfmt-support has no key for O without C.
  const open = profile.openBinary && persist !== 'binfmt-support';
  const flags: readonly (readonly [Flag, boolean])[] = [
    ['P', preserve],
    ['O', open || credentials],
    ['C', credentials],
    ['F', emulator.static || profile.fixBinary === true],
  ];
  return flags.filter(([, isSet]) => isSet).map(([flag]) => flag);
}

// AT_FLAGS tells the emulator of P since Linux 5.12 (fs/binfmt_misc.c, MISC_FMT_PRESERVE_ARGV0).
function preservesArgv0({ preserveArgv0 }: EmulatorProfile, { path, version }: Emulator): boolean {
  if (preserveArgv0.mode !== 'auto') return preserveArgv0.mode === 'always';
  if (!runningKernelFeatures().tellsPreserveArgv0) return path.endsWith(PRESERVING);
  if (version === null) return false;
  return gte(coerce(version) ?? '0.0.0', coerce(preserveArgv0.since ?? '') ?? '0.0.0');
}
