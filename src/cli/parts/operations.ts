/** What commands load on demand: all that needs more than reading a few files. It is the library, too, and what scripts/release uses. */

export * from '../../emulation/on-demand.ts';
export { decodeLockFile, encodeLockFile } from '../../file-format/lock-file.ts';
export * from '../../index.ts';
export { readLock } from '../../lockfile/file.ts';
export { lintDirectories } from '../../profiles/lint.ts';
export { findNatives } from '../../safety/natives.ts';
export { listContents, pruneContents } from '../../store/index.ts';
export * from '../../verify/on-demand.ts';
export { readPlatforms } from '../../verify/platforms.ts';
export { runBinfmtDropIn } from '../drop-in/binfmt.ts';
export { installArches } from '../install-arches.ts';
export { withOperation } from '../operation.ts';
export { installText } from '../output/install-text.ts';
export { showProgress } from '../output/progress.ts';
export { yamlOf } from '../output/yaml.ts';
export * from './preparation.ts';
