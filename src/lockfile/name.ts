/** The lock file that is meant where none is named. */
export const LOCK_FILE = 'binfmtctl.lock';
