/** Returns the path of a root in the cache, and creates it if it does not exist. */
export function debianRoot(arch: string, options?: { readonly unpacked?: boolean }): Promise<string>;
