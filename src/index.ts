/** The library's face: the operations, and the pure code that they stand on. */
export { findArch, findArches, findProfile } from './catalogue/resolve.ts';
export type * from './catalogue/types.ts';
export type { Context, Progress, Stage } from './context.ts';
export { decodeHeader, encodeHeader } from './elf/header.ts';
export { readLinkage } from './elf/linkage.ts';
export { buildProbe, decodeReport, PROBE_EXIT_STATUS } from './elf/probe.ts';
export type * from './elf/types.ts';
export { defaultStore } from './emulators/store/location.ts';
export type * from './emulators/types.ts';
export { BinfmtctlError, type ErrorCode, EXIT_STATUS } from './errors.ts';
export { type InstallResult, install } from './install/install.ts';
export type { InstallRequest } from './install/types.ts';
export { type UninstallRequest, type UninstallResult, uninstall } from './install/uninstall.ts';
export { type BundleRequest, type BundleResult, bundle } from './lockfile/bundle.ts';
export { type LockRequest, type LockResult, updateLock } from './lockfile/update.ts';
export {
  type Check,
  type Expectation,
  expectationOf,
  judge,
  type Observation,
  type Proof,
  type Verdict,
} from './probe/verdict.ts';
export { builtinCatalogue } from './profiles/builtin.ts';
export { loadCatalogue } from './profiles/load.ts';
export { covers, equalPatterns, overlap } from './rule/algebra.ts';
export { formatEntry, parseEntry } from './rule/entry.ts';
export { execute } from './rule/execution/execute.ts';
export { nativePatterns } from './rule/execution/native-patterns.ts';
export type * from './rule/execution/types.ts';
export { firstMatch, matches } from './rule/match.ts';
export { formatRegister, parseRegister } from './rule/register.ts';
export * from './rule/types.ts';
export {
  type EmulatedProcess,
  type EmulatedResult,
  type EmulationReport,
  type EnterOptions,
  enter,
  type RunOptions,
  run,
} from './run/subprocess.ts';
export { findUnsafe } from './safety/machine-safety.ts';
export { describe, inverse, type Step } from './state/steps.ts';
export { type ExportRequest, type ExportResult, exportRules } from './transfer/export.ts';
export { type ImportRequest, type ImportResult, importRules } from './transfer/import.ts';
export { type StatusResult, status } from './verify/status.ts';
export { type VerifyReport, verifyArches } from './verify/verify-arches.ts';
