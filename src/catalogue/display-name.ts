import type { Arch } from './types.ts';

/**
 * The name of an arch for people: the one that Docker and Debian users type. That is QEMU's id if Debian or Go use it too (`i386`, `arm`,
 * `ppc64le`), else Go's or Debian's (`arm64`, `amd64`, `loong64`, `powerpc`).
 */
export function displayName({ id, aliases: { go, debian } }: Pick<Arch, 'id' | 'aliases'>): string {
  return [...go, ...debian].includes(id) ? id : (go[0] ?? debian[0] ?? id);
}
