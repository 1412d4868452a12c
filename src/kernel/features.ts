/** What a kernel's version says about its binfmt_misc. */
export interface KernelFeatures {
  /** Bytes of a file that a magic is compared with: BINPRM_BUF_SIZE, 256 since Linux 5.1. */
  readonly headSize: 128 | 256;
  /** Whether an interpreter is told of flag P by AT_FLAGS: since 5.12. */
  readonly tellsPreserveArgv0: boolean;
  /** Whether each user namespace may have an instance of its own: since 6.7. */
  readonly instancePerNamespace: boolean;
  /** Whether an entry can be registered disabled, with flag D: since 7.3. */
  readonly registersDisabled: boolean;
}

/** Only the version is asked: a distribution's kernel may have more than it says. */
export function kernelFeatures([major, minor]: readonly [number, number, ...number[]]): KernelFeatures {
  const since = (a: number, b: number) => major > a || (major === a && minor >= b);
  return {
    headSize: since(5, 1) ? 256 : 128,
    tellsPreserveArgv0: since(5, 12),
    instancePerNamespace: since(6, 7),
    registersDisabled: since(7, 3),
  };
}
