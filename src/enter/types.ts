import type { EmulationRequest } from '../emulation/types.ts';
import type { Account } from '../file-format/accounts.ts';

export interface EnterRequest extends EmulationRequest {
  /** A directory, a tar archive, an OCI layout or an image archive. */
  readonly rootfs: string;
  /** Whether `rootfs` is the mounted root of a disk image, which exists only in this session. */
  readonly isImage: boolean;
  /** Null for the account's shell. */
  readonly program: string | null;
  readonly args: readonly string[];
  /** Each `SRC[:DST][:ro]`. */
  readonly binds: readonly string[];
  /** Each `NAME=VALUE`, or `NAME` for the caller's value. */
  readonly environment: readonly string[];
  /** `NAME`, `UID`, or either with `:GROUP` or `:GID`. Null for root. */
  readonly user: string | null;
  readonly workdir: string | null;
  readonly hostname: string | null;
  readonly readOnly: boolean;
  /** Whether changes are discarded. */
  readonly ephemeral: boolean;
  /** Whether only a loopback device is available. */
  readonly noNetwork: boolean;
}

/** The account that a program in the root runs as. */
export interface UserIdentity extends Account {
  /** Supplementary groups. */
  readonly groups: readonly number[];
}
