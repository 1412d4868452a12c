/** What `run` and `enter` need only where an emulator is looked for, or an archive unpacked. */

export { openRootfs } from '../rootfs/open.ts';
export { findUncachedEmulation } from './find-uncached.ts';
export { requireLoader } from './foreign-loader.ts';
