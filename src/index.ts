/** The library: the operations of the command line as functions. */
export type { HeldState } from './binfmt/held.ts';
export type { InstanceFacts } from './binfmt/instance/instance.ts';
export type { Scope } from './binfmt/instance/scope.ts';
export type { Persistence } from './boot/persistence.ts';
export { findArch, findArches } from './catalogue/resolve.ts';
export type {
  Aliases,
  Arch,
  Catalogue,
  EmulatorLayout,
  EmulatorProfile,
  Format,
  FormatMatch,
  KnownBad,
  MaskedBytes,
} from './catalogue/types.ts';
export type { Progress, Stage } from './context.ts';
export type { ByteOrder, ElfClass, ElfIdentity, ProbeSpec } from './elf/types.ts';
export type { EmulatedArch, EmulatedFormat, RunBy } from './emulation/types.ts';
export type { EmulatorLink } from './emulators/link.ts';
export type { Origin } from './emulators/types.ts';
export { BinfmtctlError, type ErrorCode, type ErrorOptions, EXIT_STATUS } from './errors.ts';
export type { BundledEmulator } from './file-format/bundle.ts';
export type { LockedEmulator } from './file-format/lock-file.ts';
export type { InstallResult } from './install/install.ts';
export type { Duration, InstalledDuration, InstalledEmulator, StoredAmount } from './install/types.ts';
export type { UninstallResult } from './install/uninstall.ts';
export type { ArchLike } from './library/arches.ts';
export type { OperationOptions } from './library/context.ts';
export { type EmulationOptions, type EnterOptions, enter, type RunOptions, run } from './library/emulate.ts';
export { type InstallOptions, install, type UninstallOptions, uninstall } from './library/install.ts';
export { type BundleOptions, bundle, type LockOptions, updateLock } from './library/lock.ts';
export { ProgramError } from './library/program-error.ts';
export { describeStep } from './library/steps.ts';
export type {
  EmulatedProcess,
  EmulatedResult,
  EmulationReport,
  SubprocessOptions,
} from './library/subprocess.ts';
export { type ExportOptions, exportRules, type ImportOptions, importRules } from './library/transfer.ts';
export { status, type VerifyOptions, verify } from './library/verify.ts';
export type { BundleResult } from './lockfile/bundle.ts';
export type { LockChange } from './lockfile/plan.ts';
export type { LockResult } from './lockfile/update.ts';
export type { Missing } from './obtain/missing.ts';
export type { Check, Observation, Proof, Verdict } from './probe/verdict.ts';
export { builtinCatalogue } from './profiles/builtin.ts';
export { loadCatalogue } from './profiles/load.ts';
export { covers, overlap } from './rule/algebra.ts';
export { formatEntry, parseEntry } from './rule/entry.ts';
export { firstMatch, matches } from './rule/match.ts';
export { type FormatOptions, formatRegister, parseRegister, type Refusal } from './rule/register.ts';
export type { ParsedRegistration, RegisterDialect } from './rule/syntax.ts';
export type {
  AnyEntry,
  AnyRule,
  BoundInterpreter,
  BpfEntry,
  BpfRule,
  Entry,
  ExtensionPattern,
  Flag,
  MagicPattern,
  Pattern,
  Rule,
} from './rule/types.ts';
export type { Registration } from './state/registration.ts';
export type { Step } from './state/steps.ts';
export type { LinkChange } from './system/change-link.ts';
export type { ExportResult } from './transfer/export.ts';
export type { ImportResult, ImportSource, Omitted } from './transfer/import.ts';
export type { Form } from './transfer/recognise.ts';
export type { Omission } from './transfer/write-entries.ts';
export type { RecordedProof } from './verify/proofs.ts';
export type { StatusLine, StatusResult } from './verify/status.ts';
export type { VerifyReport } from './verify/verify-arches.ts';
