/** `status` and `verify` of the library. */
import { status as readStatus, type StatusResult } from '../verify/status.ts';
import { type VerifyReport, verifyArches } from '../verify/verify-arches.ts';
import { type ArchLike, namesOf } from './arches.ts';
import { OPERATION_CHECKS, type OperationOptions, withContext } from './context.ts';
import { type OptionChecks, parseOptions, TEXT } from './options.ts';

/**
 * Lists all entries: which emulator runs them, and the last proof that it works. Changes nothing and requires no root.
 *
 * @throws USAGE, NO_BINFMT_MISC, INTERRUPTED
 */
export async function status(options: OperationOptions = {}): Promise<StatusResult> {
  const given = parseOptions('status', options, OPERATION_CHECKS);
  return withContext('status', given, readStatus);
}

/** Options of `verify`. */
export interface VerifyOptions extends OperationOptions {
  /** Root file system to run the probes in. Default: the machine's own. */
  readonly root?: string | undefined;
}

const VERIFY_CHECKS: OptionChecks<VerifyOptions> = { ...OPERATION_CHECKS, root: TEXT };

/**
 * Runs a probe program of each architecture on the host, in a chroot and in a mount namespace. Also reports whether the
 * program sees its argv[0] and gets its owner's credentials. A failed probe is a result, not an error.
 *
 * @param arches Architectures. Default: all that have an entry.
 * @throws USAGE, UNKNOWN_ARCH, STORE_FAILED, INTERRUPTED
 */
export async function verify(
  arches: ArchLike | readonly ArchLike[] = [],
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const given = parseOptions('verify', options, VERIFY_CHECKS);
  const request = { arches: namesOf('verify', 'arches', arches), root: given.root };
  return withContext('verify', given, (context) => verifyArches(request, context));
}
