/** docs/json.md, as tests compare it with the documents that commands print. */
import { readFileSync } from 'node:fs';

interface DocumentedSection {
  readonly heading: string;
  readonly schema: string | null;
  readonly keys: readonly string[];
}

function sections(): readonly DocumentedSection[] {
  return readFileSync('docs/json.md', 'utf8')
    .split(/^##+ /m)
    .slice(1)
    .map((text) => ({
      heading: text.split('\n', 1)[0] ?? '',
      schema: /^Schema: `(.*)`\.$/m.exec(text)?.[1] ?? null,
      keys: [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, key = '']) => key),
    }));
}

/** The keys of each object, by the heading of its table. */
export const documentedKeys = (): ReadonlyMap<string, readonly string[]> =>
  new Map(sections().flatMap(({ heading, keys }) => (keys.length === 0 ? [] : [[heading, keys] as const])));

/** The keys of each document, by its schema. */
export const documentedSchemas = (): ReadonlyMap<string, readonly string[]> =>
  new Map(sections().flatMap(({ schema, keys }) => (schema === null ? [] : [[schema, keys] as const])));
