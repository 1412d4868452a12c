/** Where a candidate was seen. */
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

/** A file that may be the emulator asked for; nothing about it is checked yet. */
export interface Candidate {
  readonly path: string;
  /** What the user named, where `path` is a copy of it in the store: messages speak of that. */
  readonly from?: string | undefined;
  /** The source that means these very bytes, where that is not the one which was named. */
  readonly source?: string | undefined;
  /** Id of the emulator profile. */
  readonly emulator: string;
  /** Id of the arch that it runs. */
  readonly guest: string;
  readonly origin: Origin;
  /** For `apt`: the release of the distribution that the package is of, where its list tells. */
  readonly release?: string | undefined;
  /** For `entry`: the F entry that holds it; its file may be gone from the disk. */
  readonly entry?: string | undefined;
}

/** An inspected emulator: right arch for this host, runs, version known. */
export interface Emulator extends Candidate {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** As the program prints it: `7.2.22`. Null where it prints none. */
  readonly version: string | null;
  /** No program interpreter: works with F in every chroot and namespace. */
  readonly static: boolean;
  /** The first 256 bytes of the file, for the rule that an emulator must not match its own rule. */
  readonly head: Uint8Array;
}
