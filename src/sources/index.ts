import { BinfmtctlError } from '../errors.ts';
import { maskSecrets } from '../text/secrets.ts';
import { fetchApt } from './apt/apt.ts';
import { fetchBundle } from './bundle.ts';
import { fetchDir } from './dir.ts';
import { fetchOci } from './oci.ts';
import { fetchPath } from './path.ts';
import type { SourceFetcher } from './types.ts';
import { parseUrlSource } from './url/name.ts';
import { fetchUrl } from './url/url.ts';

/** A parsed --source: `apt:trixie` is kind `apt`, value `trixie`. */
export interface SourceName {
  readonly kind: string;
  readonly value: string;
}

const SOURCES: Readonly<Record<string, SourceFetcher>> = {
  path: fetchPath,
  bundle: fetchBundle,
  dir: fetchDir,
  apt: fetchApt,
  oci: fetchOci,
  url: fetchUrl,
};
const NEEDS_VALUE = ['path', 'dir', 'bundle'];

/**
 * Parses a source specification; a plain FILE.tar is a bundle.
 *
 * @param allowUnverified accepts url: without sha256
 * @throws BAD_SOURCE if the kind is unknown, a required value is missing, or the value is invalid.
 */
export function parseSource(
  text: string,
  { allowUnverified = false }: { readonly allowUnverified?: boolean | undefined } = {},
): SourceName {
  if (/^[^:]+\.tar$/.test(text)) return { kind: 'bundle', value: text };
  const colon = text.indexOf(':');
  const kind = colon < 0 ? text : text.slice(0, colon);
  const value = colon < 0 ? '' : text.slice(colon + 1);
  const hint = 'use path:FILE, dir:DIR, bundle:FILE, apt[:RELEASE], oci[:IMAGE] or url:URL#sha256=HEX';
  if (!Object.hasOwn(SOURCES, kind))
    throw new BinfmtctlError('BAD_SOURCE', `unknown source ${JSON.stringify(maskSecrets(text))}`, { hint });
  if (value === '' && NEEDS_VALUE.includes(kind)) {
    throw new BinfmtctlError('BAD_SOURCE', `source ${JSON.stringify(maskSecrets(text))} has no path`, {
      hint,
    });
  }
  if (NEEDS_VALUE.includes(kind) && /^[a-z][a-z\d+.-]*:\/\//i.test(value))
    throw new BinfmtctlError(
      'BAD_SOURCE',
      `source ${JSON.stringify(maskSecrets(text))} is a URL, not a path`,
      {
        hint: 'for a URL, use url:URL#sha256=HEX',
      },
    );
  if (kind === 'url') parseUrlSource(value, { allowUnverified });
  return { kind, value };
}

/** Returns the fetcher for a kind of source. */
export function openSource({ kind }: SourceName): SourceFetcher {
  const fetch = SOURCES[kind];
  if (fetch === undefined) throw new BinfmtctlError('BAD_SOURCE', `unknown source ${kind}`);
  return fetch;
}
