/** registries.conf of the containers tools (containers-registries.conf(5)), version 2. */
import { isHost } from '../../text/host.ts';

/** What a table `[[registry]]` says of the images whose names begin with its prefix. */
export interface RegistryRule {
  /** `docker.io`, `ghcr.io/owner`, or `*.example.com`. */
  readonly prefix: string;
  /** What stands in place of the prefix; null for the prefix itself. */
  readonly location: string | null;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryMirror[];
}

export interface RegistryMirror {
  readonly location: string;
  readonly insecure: boolean;
  /** Images by digest, by tag, or both. */
  readonly serves: 'all' | 'digest-only' | 'tag-only';
}

/** Where to ask for an image. */
export interface RegistryPlace {
  readonly host: string;
  readonly repository: string;
  readonly insecure: boolean;
}

export interface RegistryPlaces {
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryPlace[];
  /** Null if it is the registry that the name says. */
  readonly own: RegistryPlace | null;
}

/** The rules of the files' documents, of which a later one replaces an earlier one of its prefix. Skips what is no rule. */
export function registryRules(documents: readonly unknown[]): readonly RegistryRule[] {
  const rules = documents.flatMap((document) =>
    tables(document, 'registry').flatMap((each) => ruleOf(each) ?? []),
  );
  return [...new Map(rules.map((rule) => [rule.prefix, rule])).values()];
}

/** Where the rules say to ask for an image, by the longest prefix that matches; null if none does. */
export function placesFor(
  rules: readonly RegistryRule[],
  {
    registry,
    repository,
    digest,
  }: { readonly registry: string; readonly repository: string; readonly digest: string | null },
): RegistryPlaces | null {
  const name = `${registry}/${repository}`;
  const matching = rules.filter(({ prefix }) => matchedBy(prefix, registry, name) !== null);
  const [rule] = matching.toSorted((a, b) => b.prefix.length - a.prefix.length);
  if (rule === undefined) return null;
  const rest = name.slice(matchedBy(rule.prefix, registry, name) ?? 0);
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

/** How much of the name a prefix takes; null if it does not match. */
function matchedBy(prefix: string, registry: string, name: string): number | null {
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
