/** YAML that people write by hand: a plain value, and for each of its parts the line. */
import type { Document, LineCounter } from 'yaml';

export interface YamlDocument {
  readonly value: unknown;
  /** The line of a part of the document, counted from 1; that of the nearest part around it where it is absent. */
  readonly lineOf: (path: Path) => number;
}

/** Something wrong in a text. */
export interface LineProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** Keys and indexes, from the document's root on. */
export type Path = readonly (string | number)[];

/** A document of a few lines can grow to gigabytes through aliases of aliases. */
const MAX_ALIASES = 50;

/** Reads a document; where it is no YAML, everything that is wrong with it. */
export async function parseYaml(
  text: string,
): Promise<YamlDocument | { readonly problems: readonly LineProblem[] }> {
  const { LineCounter: Counter, parseDocument } = await import('yaml');
  const counter = new Counter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, logLevel: 'error' });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map(({ pos, code, message }) => ({
        line: counter.linePos(pos[0]).line,
        message: code === 'RESOURCE_EXHAUSTION' ? 'is nested too deeply' : message,
      })),
    };
  }
  try {
    return {
      value: document.toJS({ maxAliasCount: MAX_ALIASES }),
      lineOf: (path) => lineIn(document, counter, path),
    };
  } catch (error) {
    return { problems: [{ line: 1, message: error instanceof Error ? error.message : String(error) }] };
  }
}

/** `layouts.0.paths: must be a list`. */
export const problemText = (path: Path, message: string): string =>
  path.length === 0 ? message : `${path.join('.')}: ${message}`;

/** Where the key of the last part stands that is there, or the item of a list. */
function lineIn(document: Document, counter: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return counter.linePos(offset).line;
  }
  return 1;
}

function offsetOf(document: Document, path: Path): number | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  const items = hasItems(parent) ? parent.items : [];
  const item =
    typeof last === 'number' ? items[last] : items.find((each) => isPair(each) && String(each.key) === last);
  return rangeOf(isPair(item) ? item.key : item);
}

const hasItems = (node: unknown): node is { readonly items: readonly unknown[] } =>
  typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items);

const isPair = (node: unknown): node is { readonly key: unknown } =>
  typeof node === 'object' && node !== null && 'key' in node;

const rangeOf = (node: unknown): number | undefined =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : undefined;
