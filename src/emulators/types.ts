/** Where a candidate was found. */
export type Origin =
  | 'PATH'
  | 'layout'
  | 'entry'
  | 'store'
  | 'path'
  | 'dir'
  | 'bundle'
  | 'apt'
  | 'oci'
  | 'url';

/** A file that may be the requested emulator; unchecked. */
export interface Candidate {
  readonly path: string;
  /** The file that the user named, for messages, if `path` is its copy in the store. */
  readonly from?: string | undefined;
  /** The source that identifies these bytes, if it differs from the named one. */
  readonly source?: string | undefined;
  /** Id of the emulator profile. */
  readonly emulator: string;
  /** Id of the arch that it runs. */
  readonly guest: string;
  readonly origin: Origin;
  /** For `apt`: the release of the distribution that the package is of, where its list tells. */
  readonly release?: string | undefined;
  /** For `entry`: the name of the entry. With flag F, the file at `path` may be gone. */
  readonly entry?: string | undefined;
}

/** An inspected emulator: it has the right arch for this host, and runs. */
export interface Emulator extends Candidate {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** As the program prints it: `7.2.22`. Null if it prints none. */
  readonly version: string | null;
  /** Whether it has no program interpreter, so that it works with F in every chroot and namespace. */
  readonly static: boolean;
  /** The first 256 bytes of the file, to check that its rule does not match the emulator itself. */
  readonly head: Uint8Array;
}
