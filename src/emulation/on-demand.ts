/** Loaded by `run` and `enter` only to search for an emulator, or to unpack an archive. */

export { openRootfs } from '../rootfs/open.ts';
export { findUncachedEmulation } from './find-uncached.ts';
export { requireLoader } from './foreign-loader.ts';
