/** The parts of commands that do more than read a few files, loaded on demand. Also the library, and the API of scripts/release. */

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
export { showProgress } from '../output/progress.ts';
export { yamlOf } from '../output/yaml.ts';
export { asRoot } from '../root-required.ts';
export * from './preparation.ts';
