/** What commands load on demand: all that needs more than reading a few files. It is the library, too, and what scripts/release uses. */

export { findArch, findArches, findProfile } from '../../catalogue/resolve.ts';
export * from '../../emulation/on-demand.ts';
export { defaultStore } from '../../emulators/store/location.ts';
export { decodeLockFile, encodeLockFile } from '../../file-format/lock-file.ts';
export * as library from '../../index.ts';
export { uninstall } from '../../install/uninstall.ts';
export { bundle } from '../../lockfile/bundle.ts';
export { readLock } from '../../lockfile/file.ts';
export { updateLock } from '../../lockfile/update.ts';
export { builtinCatalogue } from '../../profiles/builtin.ts';
export { lintDirectories } from '../../profiles/lint.ts';
export { findNatives } from '../../safety/natives.ts';
export { listContents, pruneContents } from '../../store/index.ts';
export { exportRules } from '../../transfer/export.ts';
export { importRules } from '../../transfer/import.ts';
export * from '../../verify/on-demand.ts';
export { readPlatforms } from '../../verify/platforms.ts';
export { status } from '../../verify/status.ts';
export { runBinfmtDropIn } from '../drop-in/binfmt.ts';
export { installArches } from '../install-arches.ts';
export { withOperation } from '../operation.ts';
export { installText } from '../output/install-text.ts';
export { showProgress } from '../output/progress.ts';
export { yamlOf } from '../output/yaml.ts';
export * from './preparation.ts';
