/** What scripts compare. */
export const VERSION = 'binfmt-support 2.2.2\n';
