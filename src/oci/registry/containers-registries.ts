/** registries.conf of the containers tools (containers-registries.conf(5)), version 2. */
import { isHost } from '../../text/host.ts';

/** A `[[registry]]` table, which applies to the images whose names begin with its prefix. */
export interface RegistryRule {
  /** `docker.io`, `ghcr.io/owner`, or `*.example.com`. */
  readonly prefix: string;
  /** Replaces the prefix; null if it stays. */
  readonly location: string | null;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryMirror[];
}

export interface RegistryMirror {
  readonly location: string;
  readonly insecure: boolean;
  /** Which references it serves: by digest, by tag, or all. */
  readonly serves: 'all' | 'digest-only' | 'tag-only';
}

/** A host and repository that serve an image. */
export interface RegistryPlace {
  readonly host: string;
  readonly repository: string;
  readonly insecure: boolean;
}

export interface RegistryPlaces {
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryPlace[];
  /** Null if it is the registry in the image name. */
  readonly own: RegistryPlace | null;
}

/**
 * Lists the rules of all documents. A later rule replaces an earlier one with the same prefix. Skips invalid tables.
 */
export function registryRules(documents: readonly unknown[]): readonly RegistryRule[] {
  const rules = documents.flatMap((document) =>
    tables(document, 'registry').flatMap((each) => ruleOf(each) ?? []),
  );
  return [...new Map(rules.map((rule) => [rule.prefix, rule])).values()];
}

/** Applies the rule with the longest matching prefix to an image; null if no rule matches. */
export function placesFor(
  rules: readonly RegistryRule[],
  {
    registry,
    repository,
    digest,
  }: { readonly registry: string; readonly repository: string; readonly digest: string | null },
): RegistryPlaces | null {
  const name = `${registry}/${repository}`;
  const matching = rules.filter(({ prefix }) => matchedLength(prefix, registry, name) !== null);
  const [rule] = matching.toSorted((a, b) => b.prefix.length - a.prefix.length);
  if (rule === undefined) return null;
  const rest = name.slice(matchedLength(rule.prefix, registry, name) ?? 0);
  const unserved = digest === null ? 'digest-only' : 'tag-only';
  const { location, insecure, blocked, mirrors } = rule;
  return {
    blocked,
    mirrors: mirrors
      .filter(({ serves }) => serves !== unserved)
      .flatMap((mirror) => placeOf(mirror.location, rest, { insecure: mirror.insecure }) ?? []),
    own:
      location === null && !insecure
        ? null
        : placeOf(location ?? name.slice(0, name.length - rest.length), rest, { insecure }),
  };
}

/** The length of the name's part that the prefix matches; null if it does not match. */
function matchedLength(prefix: string, registry: string, name: string): number | null {
  if (prefix.startsWith('*.'))
    return registry.replace(/:\d+$/, '').endsWith(prefix.slice(1)) ? registry.length : null;
  return name === prefix || name.startsWith(`${prefix}/`) ? prefix.length : null;
}

function placeOf(
  location: string,
  rest: string,
  { insecure }: { readonly insecure: boolean },
): RegistryPlace | null {
  const [host = '', ...path] = `${location}${rest}`.split('/');
  return isHost(host) && path.length > 0 ? { host, repository: path.join('/'), insecure } : null;
}

function ruleOf(table: Record<string, unknown>): RegistryRule | null {
  const location = textOf(table['location']);
  const prefix = textOf(table['prefix']) ?? location;
  if (prefix === null) return null;
  const byDigest = table['mirror-by-digest-only'] === true;
  return {
    prefix,
    location: location === prefix ? null : location,
    insecure: table['insecure'] === true,
    blocked: table['blocked'] === true,
    mirrors: tables(table, 'mirror').flatMap((mirror) => mirrorOf(mirror, { byDigest }) ?? []),
  };
}

function mirrorOf(
  table: Record<string, unknown>,
  { byDigest }: { readonly byDigest: boolean },
): RegistryMirror | null {
  const location = textOf(table['location']);
  if (location === null) return null;
  const pulls = table['pull-from-mirror'];
  const named = pulls === 'digest-only' || pulls === 'tag-only' ? pulls : 'all';
  return { location, insecure: table['insecure'] === true, serves: byDigest ? 'digest-only' : named };
}

function tables(document: unknown, key: string): readonly Record<string, unknown>[] {
  const list: unknown = typeof document === 'object' && document !== null ? Reflect.get(document, key) : [];
  return Array.isArray(list) ? list.filter((each) => typeof each === 'object' && each !== null) : [];
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.replace(/\/+$/, '') : null;
