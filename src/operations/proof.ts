/** What one check of a proof showed. `holds` is null where it could not be tried here. */
export interface Check {
  readonly holds: boolean | null;
  /** Why it does not hold, or could not be tried. */
  readonly why?: string | undefined;
}

/** What the probes of an arch showed. */
export interface Proof {
  readonly arch: string;
  /** The entry that took it, by the kernel's order; null where it ran natively, or where nothing takes it. */
  readonly entry: string | null;
  readonly native: boolean;
  /** The program that really ran it. */
  readonly emulator: {
    readonly path: string;
    readonly sha256: string;
    readonly version: string | null;
  } | null;
  readonly host: Check;
  readonly chroot: Check;
  readonly mountNamespace: Check;
  /** Whether the program sees the argv[0] that its caller gave. */
  readonly argv0: Check;
  /** Whether a set-user-id program gets its owner's rights. */
  readonly credentials: Check;
}

/** What is asked of a proof beyond running on the host. */
export interface Asked {
  readonly chroots: boolean;
  readonly argv0: boolean;
  readonly credentials: boolean;
}

/** Why a proof falls short of what is asked, in the order of the checks; empty where it holds. */
export function shortcomings(proof: Proof, asked: Asked): readonly string[] {
  const checks: readonly (readonly [string, Check, boolean])[] = [
    ['on the host', proof.host, true],
    ['in an empty chroot', proof.chroot, asked.chroots],
    ['in a new mount namespace', proof.mountNamespace, asked.chroots],
    ['argv[0]', proof.argv0, asked.argv0],
    ['credentials', proof.credentials, asked.credentials],
  ];
  return checks
    .filter(([, { holds }, wanted]) => wanted && holds === false)
    .map(([what, { why }]) => `${what}: ${why ?? 'no'}`);
}
