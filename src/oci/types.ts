import type { Compression } from '../archive/compression.ts';
import type { Expected } from '../system/file/integrity.ts';

/** An index, a manifest or a configuration; `mediaType` is empty if unknown. */
export interface Document {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** Access to an image. Every result is verified against the requested digest. */
export interface Images {
  /** For messages: `docker.io/tonistiigi/binfmt:latest`. */
  readonly name: string;
  /** Reads the index or manifest that the name refers to. */
  readonly top: () => Promise<Document>;
  /** Reads an index or a manifest. */
  readonly manifest: (expected: Expected) => Promise<Uint8Array>;
  /** Reads the configuration of an image. */
  readonly config: (expected: Expected) => Promise<Uint8Array>;
  /** Fetches a layer into `file`. */
  readonly layer: (expected: Expected, file: string) => Promise<void>;
}

/** One layer of an image. */
export interface Layer {
  readonly digest: string;
  readonly compression: Compression;
  /** Fetches it into `file`, which is removed if the digest is wrong. */
  readonly fetch: (file: string) => Promise<void>;
}
