/** Finds related patterns among thousands without comparing every pair. Pure. */
import { comparesNothing, maskAt, neverMatches } from '../rule/algebra.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import type { MagicPattern, Pattern } from '../rule/types.ts';

export interface PatternIndex<T> {
  readonly add: (item: T) => void;
  /**
   * Returns a superset of the items related to `pattern`, in the order of their addition: all items whose pattern
   * covers it or is covered by it, and all items of the same type that overlap it.
   */
  readonly near: (pattern: Pattern) => readonly T[];
}

/** Creates an index of items by their patterns. Callers check the result of `near` with `covers` or `overlap`. */
export function createPatternIndex<T>(items: readonly T[], patternOf: (item: T) => Pattern): PatternIndex<T> {
  const all: Numbered<T>[] = [];
  const magics: Node<T> = { items: [], next: null };
  const extensions = new Map<string, Numbered<T>[]>();
  // Items that are related to patterns of both types.
  const matchAll: Numbered<T>[] = [];
  const matchNone: Numbered<T>[] = [];
  const add = (item: T): void => {
    const pattern = patternOf(item);
    const numbered = { item, number: all.length };
    all.push(numbered);
    if (pattern.type === 'magic') {
      insert(magics, 0, { ...numbered, pattern });
      if (comparesNothing(pattern)) matchAll.push(numbered);
    } else if (neverMatches(pattern)) matchNone.push(numbered);
    else {
      const same = extensions.get(pattern.extension);
      if (same === undefined) extensions.set(pattern.extension, [numbered]);
      else same.push(numbered);
    }
  };
  for (const item of items) add(item);
  const near = (pattern: Pattern): readonly Numbered<T>[] => {
    if (pattern.type === 'extension')
      return neverMatches(pattern)
        ? all
        : [...(extensions.get(pattern.extension) ?? []), ...matchAll, ...matchNone];
    return comparesNothing(pattern) ? all : [...find(magics, 0, pattern), ...matchNone];
  };
  const inOrder = (found: readonly Numbered<T>[]): readonly T[] =>
    found.toSorted((a, b) => a.number - b.number).map(({ item }) => item);
  return { add, near: (pattern) => inOrder(near(pattern)) };
}

interface Numbered<T> {
  readonly item: T;
  readonly number: number;
}

interface Magic<T> extends Numbered<T> {
  readonly pattern: MagicPattern;
}

/** Node of a tree, one level per byte of the file: magics that agree in all bytes that they fix before this level. */
interface Node<T> {
  /** Empty once `next` is set. */
  items: Magic<T>[];
  /** Children by the byte that a magic fixes at this level; ANY for magics that do not fix all of its bits. */
  next: Map<number, Node<T>> | null;
}

const ANY = -1;

/** Larger nodes are split by the next byte. */
const MAX_ITEMS = 4;

function insert<T>(node: Node<T>, at: number, magic: Magic<T>): void {
  if (node.next === null) {
    node.items.push(magic);
    if (node.items.length <= MAX_ITEMS || at >= HEAD_SIZE) return;
    const { items } = node;
    node.items = [];
    node.next = new Map();
    for (const each of items) insert(node, at, each);
    return;
  }
  const key = byteAt(magic.pattern, at);
  const next: Node<T> = node.next.get(key) ?? { items: [], next: null };
  node.next.set(key, next);
  insert(next, at + 1, magic);
}

/** Excludes magics that fix a byte to another value than the pattern. */
function find<T>(node: Node<T>, at: number, pattern: MagicPattern): readonly Magic<T>[] {
  if (node.next === null) return node.items;
  const key = byteAt(pattern, at);
  const nodes = key === ANY ? [...node.next.values()] : [node.next.get(key), node.next.get(ANY)];
  return nodes.flatMap((each) => (each === undefined ? [] : find(each, at + 1, pattern)));
}

/** The byte that every matching file has at this position, or ANY. */
function byteAt(pattern: MagicPattern, at: number): number {
  return maskAt(pattern, at) === 0xff ? (pattern.magic[at - pattern.offset] ?? 0) : ANY;
}
