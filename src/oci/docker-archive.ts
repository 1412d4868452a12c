/** Reads manifest.json of a `docker save` archive (moby image/tarexport; image spec v1.2). */
import * as v from 'valibot';
import { BinfmtctlError } from '../errors.ts';
import { isBundleManifest } from '../file-format/bundle.ts';

export interface ArchivedImage {
  /** Name of the configuration file. */
  readonly config: string;
  /** Names of the layer files, lowest first. */
  readonly layers: readonly string[];
  /** `busybox:latest`. */
  readonly tags: readonly string[];
}

const name = v.pipe(v.string(), v.maxLength(4096));
const schema = v.pipe(
  v.array(
    v.pipe(
      v.object({
        Config: name,
        Layers: v.pipe(v.array(name), v.maxLength(500)),
        RepoTags: v.nullish(v.array(name)),
      }),
      v.transform(
        ({ Config, Layers, RepoTags }): ArchivedImage => ({
          config: Config,
          layers: Layers,
          tags: RepoTags ?? [],
        }),
      ),
    ),
  ),
  v.maxLength(1000),
);

/**
 * Parses manifest.json of the archive `name`.
 *
 * @throws BAD_PACKAGE if it is invalid; BAD_SOURCE if the archive is a binfmtctl bundle.
 */
export function parseArchive(bytes: Uint8Array, name: string): readonly ArchivedImage[] {
  const text = new TextDecoder().decode(bytes);
  if (isBundleManifest(text)) {
    const hint = `use \`--source bundle:${name}\``;
    throw new BinfmtctlError('BAD_SOURCE', `${name} is a binfmtctl bundle, not an image`, { hint });
  }
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new BinfmtctlError('BAD_PACKAGE', 'manifest.json of the archive is invalid', {
      hint: 'create the archive again with `docker save`',
      cause,
    });
  }
}

/** The digest in the name of a configuration file (`HEX.json`, `blobs/sha256/HEX`); null if the name has none. */
export function promisedDigest(config: string): string | null {
  const hex = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(config)?.[1];
  return hex === undefined ? null : `sha256:${hex}`;
}
