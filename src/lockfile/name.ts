/** The default lock file. */
export const LOCK_FILE = 'binfmtctl.lock';
