/** Hand-written YAML: its plain value, and the line of each part. */
import type { Document, LineCounter } from 'yaml';

export interface YamlDocument {
  readonly value: unknown;
  /** Line of a part of the document, counted from 1. For an absent part, the line of the nearest enclosing one. */
  readonly lineOf: (path: Path) => number;
}

/** An error in a text. */
export interface LineProblem {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** Keys and indexes, starting at the document's root. */
export type Path = readonly (string | number)[];

/** Aliases of aliases can expand a few lines to gigabytes. */
const MAX_ALIASES = 50;

/** Parses a document; returns all errors if it is invalid. */
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
        message: code === 'RESOURCE_EXHAUSTION' ? 'nested too deeply' : message,
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

/** Line of the deepest key or list item on the path that exists. */
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
