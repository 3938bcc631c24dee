/**
 * An immutable map with string keys that shares its structure with the maps it was made from.
 *
 * 1. `set` and `delete` cost O(log n) and never change an existing map.
 * 2. Iteration follows insertion; setting an existing key keeps its place.
 * 3. Up to `maxFlatSize` entries it is a plain list, which is faster than a tree and what most maps of a run stay.
 *
 * Beyond that it is a hash trie whose entries name their neighbours: an insertion touches two entries, a
 * deletion three, and no second index is needed for the order.
 */
import {
  type Entry,
  hashOf,
  insertEntry,
  lookupEntry,
  removed,
  removeEntry,
  replaced,
  type TrieNode,
} from './hash-trie.js';
import { required } from './invariant-violation.js';

const maxFlatSize = 8;
/** Below `maxFlatSize`, so that a map whose size swings around the border does not change its form each time. */
const maxFlatSizeAfterDelete = 4;

type Pair<V> = readonly [key: string, value: V];

interface Tree<V> {
  readonly root: TrieNode<V>;
  readonly first: string;
  readonly last: string;
}

export class PersistentMap<V> {
  /** Maps are made by `empty` and `from`. */
  constructor(
    readonly size: number,
    private readonly flat: readonly Pair<V>[] | undefined,
    private readonly tree: Tree<V> | undefined,
  ) {}

  static empty<V>(): PersistentMap<V> {
    return emptyMap;
  }

  static from<V>(pairs: Iterable<Pair<V>>): PersistentMap<V> {
    let map = PersistentMap.empty<V>();
    for (const [key, value] of pairs) map = map.set(key, value);
    return map;
  }

  /** The tree form; `pairs` are more than one, with distinct keys. */
  private static asTree<V>(pairs: readonly Pair<V>[]): PersistentMap<V> {
    let root: TrieNode<V> | undefined;
    pairs.forEach(([key, value], index) => {
      const previous = pairs[index - 1]?.[0];
      root = insertEntry(root, { key, hash: hashOf(key), value, previous, next: pairs[index + 1]?.[0] });
    });
    return new PersistentMap(pairs.length, undefined, {
      root: required(root, 'root of a map'),
      first: required(pairs[0], 'first pair')[0],
      last: required(pairs.at(-1), 'last pair')[0],
    });
  }

  get(key: string): V | undefined {
    if (this.flat !== undefined) {
      for (const pair of this.flat) if (pair[0] === key) return pair[1];
      return undefined;
    }
    return this.tree === undefined ? undefined : lookupEntry(this.tree.root, key)?.value;
  }

  has(key: string): boolean {
    if (this.flat !== undefined) return this.flat.some((pair) => pair[0] === key);
    return this.tree !== undefined && lookupEntry(this.tree.root, key) !== undefined;
  }

  set(key: string, value: V): PersistentMap<V> {
    if (this.flat !== undefined) return this.#setInFlat(this.flat, key, value);
    return this.#setInTree(required(this.tree, 'tree of a map'), key, value);
  }

  delete(key: string): PersistentMap<V> {
    if (this.flat !== undefined) {
      const index = this.flat.findIndex((pair) => pair[0] === key);
      return index < 0 ? this : new PersistentMap(this.size - 1, removed(this.flat, index), undefined);
    }
    return this.#deleteInTree(required(this.tree, 'tree of a map'), key);
  }

  /** The key that was inserted first of those that are left. */
  firstKey(): string | undefined {
    return this.flat === undefined ? this.tree?.first : this.flat[0]?.[0];
  }

  *entries(): Generator<Pair<V>> {
    if (this.flat !== undefined) {
      yield* this.flat;
      return;
    }
    if (this.tree === undefined) return;
    let key: string | undefined = this.tree.first;
    while (key !== undefined) {
      const entry: Entry<V> = required(lookupEntry(this.tree.root, key), 'entry of a map');
      yield [entry.key, entry.value];
      key = entry.next;
    }
  }

  *keys(): Generator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  #setInFlat(flat: readonly Pair<V>[], key: string, value: V): PersistentMap<V> {
    const index = flat.findIndex((pair) => pair[0] === key);
    if (index >= 0) {
      if (Object.is(flat[index]?.[1], value)) return this;
      return new PersistentMap(this.size, replaced<Pair<V>>(flat, index, [key, value]), undefined);
    }
    if (flat.length < maxFlatSize)
      return new PersistentMap(this.size + 1, [...flat, [key, value]], undefined);
    return PersistentMap.asTree([...flat, [key, value]]);
  }

  #setInTree(tree: Tree<V>, key: string, value: V): PersistentMap<V> {
    const existing = lookupEntry(tree.root, key);
    if (existing !== undefined) {
      if (Object.is(existing.value, value)) return this;
      const { hash, previous, next } = existing;
      const root = insertEntry(tree.root, { key, hash, value, previous, next });
      return new PersistentMap(this.size, undefined, { ...tree, root });
    }
    const root = insertEntry(relinked(tree.root, tree.last, { next: key }), {
      key,
      hash: hashOf(key),
      value,
      previous: tree.last,
      next: undefined,
    });
    return new PersistentMap(this.size + 1, undefined, { root, first: tree.first, last: key });
  }

  #deleteInTree(tree: Tree<V>, key: string): PersistentMap<V> {
    const entry = lookupEntry(tree.root, key);
    if (entry === undefined) return this;
    if (this.size - 1 <= maxFlatSizeAfterDelete) {
      const rest = [...this.entries()].filter((pair) => pair[0] !== key);
      return new PersistentMap(rest.length, rest, undefined);
    }
    let root = required(removeEntry(tree.root, key), 'rest of a map');
    if (entry.previous !== undefined) root = relinked(root, entry.previous, { next: entry.next });
    if (entry.next !== undefined) root = relinked(root, entry.next, { previous: entry.previous });
    return new PersistentMap(this.size - 1, undefined, {
      root,
      first: entry.previous === undefined ? required(entry.next, 'next entry of a map') : tree.first,
      last: entry.next === undefined ? required(entry.previous, 'previous entry of a map') : tree.last,
    });
  }
}

const emptyMap = new PersistentMap<never>(0, [], undefined);

const relinked = <V>(
  root: TrieNode<V>,
  key: string,
  links: { readonly previous?: string | undefined; readonly next?: string | undefined },
): TrieNode<V> => {
  const { hash, value, previous, next } = required(lookupEntry(root, key), 'neighbour of an entry');
  return insertEntry(root, {
    key,
    hash,
    value,
    previous: 'previous' in links ? links.previous : previous,
    next: 'next' in links ? links.next : next,
  });
};
