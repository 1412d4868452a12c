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
import type { DesiredState } from './plan.ts';
import type { RuleOptions } from './types.ts';

/**
 * The rule for an emulator and its files: the registration and the boot files.
 *
 * If an equal entry exists already, the registration records that another program registered it.
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
  const text = encodeRegistration({
    arch: arch.id,
    rule,
    emulator: { profile: profile.id, sha256: emulator.sha256, version: emulator.version },
    registered:
      before?.registered === true || options.replace || entry === undefined || !equalRules(entry, rule),
    persisted: persistedWith(before, { bootFiles, obsolete }, context),
    replaced: replacedBy(before, entry),
  });
  const lasting = bootFiles.flatMap(({ path, now }) => {
    const written = persistedText(path, rule);
    return written === null ? [] : [{ path, text: written, previous: now }];
  });
  return { arch: arch.id, rule, files: [{ path, text, previous: note }, ...lasting], obsolete };
}

/** The rule of another program's entry that is replaced. If binfmtctl's entry is registered again, the rule it replaced first. */
function replacedBy(before: Registration | null, entry: Entry | undefined): Rule | undefined {
  const isOurs = before?.registered === true && entry !== undefined && equalRules(entry, before.rule);
  if (entry === undefined || entry.extra !== undefined || isOurs) return before?.replaced;
  const { enabled: _, ...rule } = entry;
  return rule;
}

/** A boot file that must register the rule. */
interface DesiredBootFile {
  readonly how: BootFormat;
  readonly path: string;
  readonly name: string;
  readonly now: string | null;
}

/** An entry, the first bytes of its programs, and its registration before this installation. */
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
 * The requested boot file, and those of earlier requests, so that a persistent entry stays persistent. A file that was changed or
 * removed by another program is left alone unless it is requested. A file that hides rules of other entries is removed.
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
    { hint: 'pass an emulator with --source; binfmtctl copies it into its store' },
  );
}

type FlagOptions = Pick<RuleOptions, 'persist'> & { readonly credentials: boolean };

/** The rule for an emulator. */
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

/** The boot files with the text that `uninstall` restores: the one before binfmtctl's first change, unless binfmtctl wrote it. */
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

/** Sets F for a static emulator, or if upstream registers its dynamic one with F; sets P only if both kernel and emulator support it. */
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

// Since Linux 5.12, AT_FLAGS tells the emulator about P (fs/binfmt_misc.c, MISC_FMT_PRESERVE_ARGV0).
function preservesArgv0({ preserveArgv0 }: EmulatorProfile, { path, version }: Emulator): boolean {
  if (preserveArgv0.mode !== 'auto') return preserveArgv0.mode === 'always';
  if (!runningKernelFeatures().tellsPreserveArgv0) return path.endsWith(PRESERVING);
  if (version === null) return false;
  return gte(coerce(version) ?? '0.0.0', coerce(preserveArgv0.since ?? '') ?? '0.0.0');
}
