/** What `run` and `enter` need only where an emulator is looked for, or an archive unpacked. */
export { requireLoader } from './foreign-loader.ts';
export { openRootfs } from './rootfs/open.ts';
export { searchEmulation } from './search-emulation.ts';
