import type { Arch } from './types.ts';

/**
 * Returns the display name of an arch, as Docker and Debian users type it: QEMU's id if Debian or Go use it as well (`i386`, `arm`,
 * `ppc64le`), else Go's or Debian's name (`arm64`, `amd64`, `loong64`, `powerpc`).
 */
export function displayName({ id, aliases: { go, debian } }: Pick<Arch, 'id' | 'aliases'>): string {
  return [...go, ...debian].includes(id) ? id : (go[0] ?? debian[0] ?? id);
}
