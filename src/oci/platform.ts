/** Platforms of images: Go's GOOS and GOARCH with a variant (image-spec image-index.md, "platform"). */

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v8` of `linux/arm64/v8`; null if there is none. */
  readonly variant: string | null;
}

/** GOARCH by arch id, if the two differ. */
const GO_ARCH: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  i386: '386',
  aarch64: 'arm64',
  loongarch64: 'loong64',
  mipsel: 'mipsle',
  mips64el: 'mips64le',
};
const DEFAULT_ARM_VERSION = '7';

/**
 * Lists the platforms whose programs a machine runs, best first.
 *
 * @param arch its arch id: `x86_64`, `aarch64`
 * @param machine output of `uname -m`, which has the version of 32-bit ARM: `armv6l`; the default is 7
 */
export function hostPlatforms(arch: string, machine = ''): readonly Platform[] {
  const architecture = GO_ARCH[arch] ?? arch;
  const version = /^armv([5-7])/.exec(machine)?.[1] ?? DEFAULT_ARM_VERSION;
  const variants: Readonly<Record<string, readonly (string | null)[]>> = {
    amd64: [null, 'v1'],
    arm64: ['v8', null],
    arm: ['v7', 'v6', 'v5', null].filter((each) => each === null || each.slice(1) <= version),
  };
  return (variants[architecture] ?? [null]).map((variant) => ({ os: 'linux', architecture, variant }));
}

/** Returns the offer for the first of `accepted` that is available, or null. */
export function choosePlatform<T extends { readonly platform?: Platform | undefined }>(
  offered: readonly T[],
  accepted: readonly Platform[],
): T | null {
  for (const platform of accepted) {
    const found = offered.find((each) => each.platform !== undefined && isSame(each.platform, platform));
    if (found !== undefined) return found;
  }
  return null;
}

export const printPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, variant].filter((part) => part !== null).join('/');

const isSame = (a: Platform, b: Platform): boolean =>
  a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
