/** Scripts compare this text. */
export const VERSION = 'binfmt-support 2.2.2\n';
