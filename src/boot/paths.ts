/** The directories whose files register rules at boot. */
export const BOOT_DIRECTORIES = ['/etc/binfmt.d', '/var/lib/binfmts'] as const;

/** Whether `path` is directly in `directory`. */
export const isIn = (directory: string, path: string): boolean => {
  const name = path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : '';
  return !['', '.', '..'].includes(name) && !name.includes('/');
};

/** Whether a file registers a rule at boot. */
export const isBootFile = (path: string): boolean =>
  BOOT_DIRECTORIES.some((directory) => isIn(directory, path));
