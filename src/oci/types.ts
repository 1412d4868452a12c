import type { Compression } from '../archive/compression.ts';
import type { Expected } from '../system/file/integrity.ts';

/** An index, a manifest or a configuration, and what it was said to be; empty where nobody said it. */
export interface Document {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** A place that keeps images. Whatever it hands out has the digest that was asked for. */
export interface Images {
  /** For messages: `docker.io/tonistiigi/binfmt:latest`. */
  readonly name: string;
  /** The index or manifest that was named. */
  readonly top: () => Promise<Document>;
  /** Reads an index or a manifest. */
  readonly manifest: (expected: Expected) => Promise<Uint8Array>;
  /** Reads the configuration of an image. */
  readonly config: (expected: Expected) => Promise<Uint8Array>;
  /** Brings a layer to `file`. */
  readonly layer: (expected: Expected, file: string) => Promise<void>;
}

/** One layer of an image. */
export interface Layer {
  readonly digest: string;
  readonly compression: Compression;
  /** Brings it to `file`; only what has the right digest is left there. */
  readonly bring: (file: string) => Promise<void>;
}
