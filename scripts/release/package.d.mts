/** Packs dist/ as it is. Returns the tarball's path, size in bytes and number of files. */
export function packPackage(destination: string): {
  readonly file: string;
  readonly size: number;
  readonly entryCount: number;
};
/** The manifest without what only the repository needs. */
export function publishedManifest(
  manifest: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>>;
