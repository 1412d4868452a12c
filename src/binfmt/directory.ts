/** Where the kernel's documentation, systemd and all tools mount binfmt_misc. */
export const BINFMT_DIRECTORY = '/proc/sys/fs/binfmt_misc';
