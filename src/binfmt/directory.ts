/** The mount point in the kernel's documentation, systemd and all tools. */
export const BINFMT_DIRECTORY = '/proc/sys/fs/binfmt_misc';
