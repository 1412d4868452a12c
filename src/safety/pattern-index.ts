/** Finds related patterns among thousands without comparing each with each. Pure. */
import { comparesNothing, maskAt, neverMatches } from '../rule/algebra.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import type { MagicPattern, Pattern } from '../rule/types.ts';

export interface PatternIndex<T> {
  readonly add: (item: T) => void;
  /**
   * The items that can be related to `pattern`, in the order in which they were added, and some that are not. None is missing whose
   * pattern covers it or is covered by it, and none of its own type that overlaps it.
   */
  readonly near: (pattern: Pattern) => readonly T[];
}

/** Makes an index of items by their patterns. A caller compares what `near` returns with `covers` or `overlap`. */
export function createPatternIndex<T>(items: readonly T[], patternOf: (item: T) => Pattern): PatternIndex<T> {
  const all: Numbered<T>[] = [];
  const magics: Node<T> = { items: [], next: null };
  const extensions = new Map<string, Numbered<T>[]>();
  // Those which are related to patterns of any kind.
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

/** Of a tree: magics that agree in all bytes before the node's place, where they fix them. */
interface Node<T> {
  /** Only as long as there is no `next`. */
  items: Magic<T>[];
  /** By the byte at the node's place that a magic fixes; ANY for those that leave bits of it open. */
  next: Map<number, Node<T>> | null;
}

const ANY = -1;

/** A node with more is split by the next byte. */
const FEW = 4;

function insert<T>(node: Node<T>, at: number, magic: Magic<T>): void {
  if (node.next === null) {
    node.items.push(magic);
    if (node.items.length <= FEW || at >= HEAD_SIZE) return;
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

/** All but those that fix a byte which the pattern fixes to another value. */
function find<T>(node: Node<T>, at: number, pattern: MagicPattern): readonly Magic<T>[] {
  if (node.next === null) return node.items;
  const key = byteAt(pattern, at);
  const nodes = key === ANY ? [...node.next.values()] : [node.next.get(key), node.next.get(ANY)];
  return nodes.flatMap((each) => (each === undefined ? [] : find(each, at + 1, pattern)));
}

/** The byte that every matching file has there, or ANY. */
function byteAt(pattern: MagicPattern, at: number): number {
  return maskAt(pattern, at) === 0xff ? (pattern.magic[at - pattern.offset] ?? 0) : ANY;
}
