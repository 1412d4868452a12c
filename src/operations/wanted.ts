import { basename } from 'node:path';
import coerce from 'semver/functions/coerce.js';
import gte from 'semver/functions/gte.js';
import { archPattern } from '../catalogue/resolve.ts';
import type { Arch, EmulatorProfile } from '../catalogue/types.ts';
import { readStoreFile } from '../emulators/store-trust.ts';
import type { Emulator } from '../emulators/types.ts';
import { BinfmtctlError } from '../errors.ts';
import { runningKernelFeatures } from '../kernel/features.ts';
import type { Wanted } from '../plan/install.ts';
import { decodeRegistration, encodeRegistration, type Registration } from '../plan/registration.ts';
import { equalRules } from '../rule/equal.ts';
import type { Entry, Flag, Rule } from '../rule/types.ts';
import { readTextIfExists } from '../system/read-file.ts';
import { isProgram } from '../system/tools.ts';
import type { Context } from './context.ts';
import { type Persistence, persistenceFile } from './persistence.ts';
import { registrationPath } from './registrations.ts';

/** An inspected emulator for an arch, with its profile. */
export interface Found {
  readonly arch: Arch;
  readonly profile: EmulatorProfile;
  readonly emulator: Emulator;
  /** The source that it was fetched from, as it was named; absent for what was there. */
  readonly source?: string | undefined;
}

export interface RuleOptions {
  readonly credentials: boolean;
  readonly persist: Exclude<Persistence, 'auto'>;
  readonly replace: boolean;
}

/**
 * The rule for an emulator, with the files that go with it: our note of it, and what makes it last.
 *
 * An entry that is there already and does the same stays its maker's; the note then says that it is not ours.
 */
export async function wantedFor(
  found: Found,
  options: RuleOptions,
  entries: readonly Entry[],
  context: Context,
): Promise<Wanted> {
  const { arch, profile, emulator } = found;
  const name = entryName(found);
  const entry = entries.find((each) => each.name === name);
  const kept = !options.credentials && entry?.flags.includes('C') === true;
  if (kept) context.report({ kind: 'warning', text: keepsCredentials(name) });
  const rule = await ruleFor(found, { ...options, credentials: options.credentials || kept });
  const path = registrationPath(context.store, rule.name);
  const lasting = persistenceFile(options.persist, rule);
  if (lasting !== null) assertPersistable(rule);
  const note = readStoreFile(context.store, 'registrations', basename(path));
  const lastingNow = lasting === null ? null : readTextIfExists(lasting.path);
  const before = note === null ? null : decodeRegistration(note);
  const text = encodeRegistration({
    arch: arch.id,
    rule,
    emulator: { profile: profile.id, sha256: emulator.sha256, version: emulator.version },
    registered: before?.registered ?? (options.replace || entry === undefined || !equalRules(entry, rule)),
    persisted: lasting === null ? (before?.persisted ?? []) : persistedWith(before, lasting.path, lastingNow),
  });
  const files = [{ path, text, previous: note }];
  if (lasting !== null) files.push({ ...lasting, previous: lastingNow });
  return { arch: arch.id, rule, files };
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

/** The rule for an emulator, as such. */
export async function ruleFor(
  found: Found,
  options: Pick<RuleOptions, 'credentials' | 'persist'>,
): Promise<Rule> {
  return {
    name: entryName(found),
    pattern: archPattern(found.arch),
    interpreter: found.emulator.path,
    flags: await flagsFor(found, options),
  };
}

const entryName = ({ arch, profile }: Found): string =>
  profile.entry.replace('{target}', profile.guests[arch.id] ?? arch.id);

/** Without C, set-user-ID programs inside a root file system would silently lose their rights. */
function keepsCredentials(name: string): string {
  return `entry ${name} keeps flag C, with which set-user-ID programs run with their owner's rights; to remove the flag, run \`binfmtctl uninstall ${name}\` first`;
}

/** What held the place before we first wrote there: that is what an uninstall puts back. */
function persistedWith(
  before: Registration | null,
  path: string,
  now: string | null,
): Registration['persisted'] {
  const others = (before?.persisted ?? []).filter((each) => each.path !== path);
  const first = before?.persisted.find((each) => each.path === path);
  return [...others, first ?? { path, previous: now }];
}

/** Flags follow facts: F only with a static emulator, P only where kernel and emulator agree on it. */
async function flagsFor(
  { profile, emulator }: Found,
  { credentials, persist }: Pick<RuleOptions, 'credentials' | 'persist'>,
): Promise<readonly Flag[]> {
  const preserve = await preservesArgv0(profile, emulator);
  // binfmt-support has no key for O without C.
  const open = profile.openBinary && persist !== 'binfmt-support';
  const flags: readonly (readonly [Flag, boolean])[] = [
    ['P', preserve],
    ['O', open || credentials],
    ['C', credentials],
    ['F', emulator.static],
  ];
  return flags.filter(([, wanted]) => wanted).map(([flag]) => flag);
}

// AT_FLAGS tells the emulator of P since Linux 5.12 (fs/binfmt_misc.c, MISC_FMT_PRESERVE_ARGV0).
async function preservesArgv0({ preserveArgv0 }: EmulatorProfile, { version }: Emulator): Promise<boolean> {
  if (preserveArgv0.mode !== 'auto') return preserveArgv0.mode === 'always';
  if (version === null || !runningKernelFeatures().tellsPreserveArgv0) return false;
  return gte(coerce(version) ?? '0.0.0', coerce(preserveArgv0.since ?? '') ?? '0.0.0');
}
