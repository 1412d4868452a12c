import { existsSync } from 'node:fs';
import { kernelVersion } from '../system/host.ts';

/** What a kernel's binfmt_misc can do. */
export interface KernelFeatures {
  /** Whether an interpreter is told of flag P by AT_FLAGS: since 5.12. */
  readonly tellsPreserveArgv0: boolean;
  /** Whether an entry can be registered disabled, with flag D: since 7.3. */
  readonly registersDisabled: boolean;
  /** Whether it has flags T and L, unlink(2) of entries and a limit of interpreters held open: since 7.3. */
  readonly linux73: boolean;
}

/** What can be seen of a kernel without changing anything; it wins over the version, since distributions backport. */
export interface KernelFacts {
  /** Whether the sysctl user.max_binfmt_misc_interpreters is there, which came with flags D, T and L; null where no
   * sysctl of its kind can be seen. */
  readonly interpreterLimit: boolean | null;
}

const UNSEEN: KernelFacts = { interpreterLimit: null };

/** Pure: by version, and by what was seen. */
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

/** Of the kernel that runs; looked at once. */
export function runningKernelFeatures(): KernelFeatures {
  running ??= kernelFeatures(kernelVersion(), { interpreterLimit: seesInterpreterLimit() });
  return running;
}

/** kernel/ucount.c user_table: the limits of user namespaces are there on every kernel with CONFIG_USER_NS. */
function seesInterpreterLimit(): boolean | null {
  if (existsSync('/proc/sys/user/max_binfmt_misc_interpreters')) return true;
  return existsSync('/proc/sys/user/max_user_namespaces') ? false : null;
}
