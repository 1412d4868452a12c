/** Returns the path of a kept root, and makes it if it is not there yet. */
export function debianRoot(arch: string, options?: { readonly unpacked?: boolean }): Promise<string>;
