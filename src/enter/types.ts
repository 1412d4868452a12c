import type { EmulationRequest } from '../emulation/types.ts';
import type { Account } from '../file-format/accounts.ts';

export interface EnterRequest extends EmulationRequest {
  /** A folder, a tar archive, an OCI layout or an archive of images. */
  readonly rootfs: string;
  /** Whether `rootfs` is the mounted root of a disk image, which is not there outside the session. */
  readonly isImage: boolean;
  /** Null for the account's shell. */
  readonly program: string | null;
  readonly args: readonly string[];
  /** Each `SRC[:DST][:ro]`. */
  readonly binds: readonly string[];
  /** Each `NAME=VALUE`, or `NAME` for the caller's own value. */
  readonly environment: readonly string[];
  /** `NAME`, `UID`, or either with `:GROUP` or `:GID`. Null for root. */
  readonly user: string | null;
  readonly workdir: string | null;
  readonly hostname: string | null;
  readonly readOnly: boolean;
  /** All changes are thrown away. */
  readonly ephemeral: boolean;
  /** Without any network but its own loopback device. */
  readonly noNetwork: boolean;
}

/** Whom a program in the root runs as. */
export interface UserIdentity extends Account {
  /** Further groups. */
  readonly groups: readonly number[];
}
