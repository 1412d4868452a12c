/** What commands load on demand: all that needs more than reading a few files. It is the library, too, and what scripts/release uses. */
export { decodeLock, encodeLock } from '../formats/lock.ts';
export * from '../index.ts';
export * from '../operations/late.ts';
export { readLock } from '../operations/lock-file.ts';
export { findNatives } from '../operations/natives.ts';
export { readPlatforms } from '../operations/platforms.ts';
export { listContents, pruneContents } from '../operations/store/index.ts';
export { lintDirectories } from '../profiles/lint.ts';
export { standInForBinfmt } from './commands/binfmt.ts';
export { installArches } from './install-arches.ts';
export { withOperation } from './operation.ts';
export * from './preparation.ts';
export { showProgress } from './progress.ts';
export { yamlOf } from './yaml.ts';
