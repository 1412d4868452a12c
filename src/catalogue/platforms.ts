import type { Arch } from './types.ts';

/** Of an arch with several variants, those that its emulators run; the newest first. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = { arm: ['linux/arm/v7', 'linux/arm/v6'] };

/** The platforms of OCI and Docker that programs of an arch are: `linux/arm64`; none where they have no name there. */
export const platformsOf = ({ id, aliases }: Arch): readonly string[] =>
  Object.hasOwn(VARIANTS, id) ? (VARIANTS[id] ?? []) : aliases.docker.slice(0, 1);
