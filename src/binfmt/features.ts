import { existsSync } from 'node:fs';
import { kernelVersion } from '../system/host.ts';

/** The binfmt_misc features of a kernel. */
export interface KernelFeatures {
  /** Whether AT_FLAGS tells an interpreter about flag P: since 5.12. */
  readonly tellsPreserveArgv0: boolean;
  /** Whether an entry can be registered disabled, with flag D: since 7.3. */
  readonly registersDisabled: boolean;
  /** Whether it has flags T and L, unlink(2) of entries and a limit on open interpreters: since 7.3. */
  readonly linux73: boolean;
}

/** Features detected without changing anything. They override the version, because distributions backport. */
export interface KernelFacts {
  /** Whether the sysctl user.max_binfmt_misc_interpreters exists, which came with flags D, T and L. Null if no sysctl of
   * user namespaces is visible. */
  readonly interpreterLimit: boolean | null;
}

const UNSEEN: KernelFacts = { interpreterLimit: null };

/** Determines the features from the version and the detected facts. Pure. */
export function kernelFeatures(
  [major, minor]: readonly [number, number, ...number[]],
  { interpreterLimit }: KernelFacts = UNSEEN,
): KernelFeatures {
  const since = (a: number, b: number) => major > a || (major === a && minor >= b);
  const linux73 = interpreterLimit ?? since(7, 3);
  return {
    tellsPreserveArgv0: since(5, 12),
    registersDisabled: linux73,
    linux73,
  };
}

let running: KernelFeatures | undefined;

/** The features of the running kernel, detected once. */
export function runningKernelFeatures(): KernelFeatures {
  running ??= kernelFeatures(kernelVersion(), { interpreterLimit: seesInterpreterLimit() });
  return running;
}

/** kernel/ucount.c user_table: every kernel with CONFIG_USER_NS has the limits of user namespaces. */
function seesInterpreterLimit(): boolean | null {
  if (existsSync('/proc/sys/user/max_binfmt_misc_interpreters')) return true;
  return existsSync('/proc/sys/user/max_user_namespaces') ? false : null;
}
