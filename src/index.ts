/** The library's face: the operations, and the pure code that they stand on. */
export { findArch, findArches, findProfile } from './catalogue/resolve.ts';
export type * from './catalogue/types.ts';
export { decodeHeader, encodeHeader } from './elf/header.ts';
export { readLinkage } from './elf/linkage.ts';
export { buildProbe, decodeReport, PROBE_EXIT_STATUS } from './elf/probe.ts';
export type * from './elf/types.ts';
export { defaultStore } from './emulators/place.ts';
export type * from './emulators/types.ts';
export { BinfmtctlError, type ErrorCode, EXIT_STATUS } from './errors.ts';
export { type BundleRequest, type BundleResult, bundle } from './operations/bundle.ts';
export type { Context, Progress, Stage } from './operations/context.ts';
export { type ExportRequest, type ExportResult, exportRules } from './operations/export.ts';
export { type ImportRequest, type ImportResult, importRules } from './operations/import.ts';
export { type InstallRequest, type InstallResult, install } from './operations/install.ts';
export { type LockRequest, type LockResult, updateLock } from './operations/lock-emulators.ts';
export { findUnsafe } from './operations/safety.ts';
export { type StatusResult, status } from './operations/status.ts';
export {
  type EmulatedProcess,
  type EmulatedResult,
  type EmulationReport,
  type EnterOptions,
  enter,
  type RunOptions,
  run,
} from './operations/subprocess.ts';
export { type UninstallRequest, type UninstallResult, uninstall } from './operations/uninstall.ts';
export { type VerifyReport, verifyArches } from './operations/verify-arches.ts';
export { describe, inverse, type Step } from './plan/steps.ts';
export {
  type Check,
  type Expectation,
  expectationOf,
  judge,
  type Observation,
  type Proof,
  type Verdict,
} from './plan/verdict.ts';
export { builtinCatalogue } from './profiles/builtin.ts';
export { loadCatalogue } from './profiles/load.ts';
export { covers, equalPatterns, overlap } from './rule/algebra.ts';
export { formatEntry, parseEntry } from './rule/entry.ts';
export { execute } from './rule/execute.ts';
export type * from './rule/execution.ts';
export { firstMatch, matches } from './rule/match.ts';
export { nativePatterns } from './rule/native.ts';
export { formatRegister, parseRegister } from './rule/register.ts';
export * from './rule/types.ts';
