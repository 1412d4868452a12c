/** Platforms as images name them: Go's GOOS and GOARCH, with a variant (image-spec image-index.md, "platform"). */

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** `v8` of `linux/arm64/v8`; null where none is named. */
  readonly variant: string | null;
}

/** GOARCH of what the kernel calls its machine (uname(2)), where the two differ. */
const GO_ARCH: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  loongarch64: 'loong64',
};

/**
 * The platforms whose programs a machine runs, the best one first.
 *
 * @param machine as `uname -m` prints it: `x86_64`, `aarch64`, `armv7l`
 */
export function hostPlatforms(machine: string): readonly Platform[] {
  const arm = /^armv([5-8])/.exec(machine)?.[1];
  const architecture = arm !== undefined ? 'arm' : (GO_ARCH[machine] ?? machine.replace(/^i[3-6]86$/, '386'));
  const variants: Readonly<Record<string, readonly (string | null)[]>> = {
    amd64: [null, 'v1'],
    arm64: ['v8', null],
    arm: ['v7', 'v6', 'v5', null].filter((each) => each === null || each.slice(1) <= (arm ?? '')),
  };
  return (variants[architecture] ?? [null]).map((variant) => ({ os: 'linux', architecture, variant }));
}

/** The first of `wanted` that is offered, with what it was offered as. */
export function choosePlatform<T extends { readonly platform?: Platform | undefined }>(
  offered: readonly T[],
  wanted: readonly Platform[],
): T | null {
  for (const platform of wanted) {
    const found = offered.find((each) => each.platform !== undefined && isSame(each.platform, platform));
    if (found !== undefined) return found;
  }
  return null;
}

export const printPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, variant].filter((part) => part !== null).join('/');

const isSame = (a: Platform, b: Platform): boolean =>
  a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
