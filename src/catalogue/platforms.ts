import type { Arch } from './types.ts';

/** The variants of an arch that its emulators run, newest first. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = { arm: ['linux/arm/v7', 'linux/arm/v6'] };

/** The order of BuildKit (util/archutil/detect.go) and tonistiigi/binfmt, after the machine's native platform. */
const ORDER = [
  ...[
    'x86_64',
    'aarch64',
    'riscv64',
    'ppc64',
    'ppc64le',
    's390x',
    'i386',
    'mips64el',
    'mips64',
    'loongarch64',
  ],
  'arm',
];

/** The CPU features that each x86-64 level adds, as in /proc/cpuinfo (x86-64 psABI, table 3.1; `pni` is SSE3, `abm` LZCNT). */
const LEVELS = {
  v2: ['cx16', 'lahf_lm', 'popcnt', 'pni', 'sse4_1', 'sse4_2', 'ssse3'],
  v3: ['abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe', 'xsave'],
  v4: ['avx512bw', 'avx512cd', 'avx512dq', 'avx512f', 'avx512vl'],
} as const;

/** Returns the OCI and Docker platforms of an arch: `linux/arm64`. Empty if they have no name for it. */
export const platformsOf = ({ id, aliases }: Arch): readonly string[] =>
  Object.hasOwn(VARIANTS, id) ? (VARIANTS[id] ?? []) : aliases.docker.slice(0, 1);

/**
 * Lists the platforms of a machine that runs `natives`, its own arch first, and `emulated`: each once, in a fixed order.
 *
 * @param cpuFlags flags of the machine's processor, which determine the variants of its native amd64 platform
 */
export function listPlatforms(
  natives: readonly Arch[],
  emulated: readonly Arch[],
  cpuFlags: readonly string[],
): readonly string[] {
  const [host, ...others] = natives;
  const rank = ({ id }: Arch): number => (ORDER.includes(id) ? ORDER.indexOf(id) : ORDER.length);
  const rest = [...others, ...emulated].toSorted((a, b) => rank(a) - rank(b));
  const own = host?.id === 'x86_64' ? amd64Variants(cpuFlags).map((level) => `linux/amd64/${level}`) : [];
  return [...new Set([...(host ? platformsOf(host) : []), ...own, ...rest.flatMap(platformsOf)])];
}

/** Each level includes those before it. */
function amd64Variants(cpuFlags: readonly string[]): readonly string[] {
  const levels = Object.entries(LEVELS);
  const missing = levels.findIndex(([, flags]) => !flags.every((flag) => cpuFlags.includes(flag)));
  return levels.slice(0, missing < 0 ? levels.length : missing).map(([level]) => level);
}
