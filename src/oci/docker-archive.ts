/** What `docker save` writes beside the layers: manifest.json (moby image/tarexport, and docs of the image spec v1.2). */
import * as v from 'valibot';
import { BinfmtctlError } from '../errors.ts';
import { isBundleManifest } from '../file-format/bundle.ts';

export interface ArchivedImage {
  /** Name of the configuration's file. */
  readonly config: string;
  /** Names of the layers' files, the lowest one first. */
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

/** Reads manifest.json of the archive `name`. BAD_PACKAGE for what is none, BAD_SOURCE for that of a bundle of ours. */
export function parseArchive(bytes: Uint8Array, name: string): readonly ArchivedImage[] {
  const text = new TextDecoder().decode(bytes);
  if (isBundleManifest(text)) {
    const hint = `name it with bundle: in place of oci: \`--source bundle:${name}\``;
    throw new BinfmtctlError('BAD_SOURCE', `${name} is a bundle of binfmtctl, not an image`, { hint });
  }
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new BinfmtctlError('BAD_PACKAGE', 'manifest.json of the archive is not what `docker save` writes', {
      hint: 'save it again',
      cause,
    });
  }
}

/** The digest that the name of a configuration's file promises: `HEX.json`, `blobs/sha256/HEX`. Null where it has none. */
export function promisedDigest(config: string): string | null {
  const hex = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(config)?.[1];
  return hex === undefined ? null : `sha256:${hex}`;
}
