/**
 * A persistent hash trie: 32-way branches that hold only the children they have, by the key's hash, five bits a
 * level. Keys whose hashes are equal share a bucket, so keys chosen to collide are slow but never wrong.
 */

export interface Entry<V> {
  readonly key: string;
  /** `hashOf(key)`. */
  readonly hash: number;
  readonly value: V;
  /** Keys of the neighbours in insertion order; the trie itself makes no use of them. */
  readonly previous: string | undefined;
  readonly next: string | undefined;
}

interface Leaf<V> {
  readonly type: 'leaf';
  readonly hash: number;
  /** More than one only where hashes are equal. */
  readonly bucket: readonly Entry<V>[];
}

interface Branch<V> {
  readonly type: 'branch';
  readonly bitmap: number;
  readonly children: readonly TrieNode<V>[];
}

export type TrieNode<V> = Leaf<V> | Branch<V>;

const bitsPerLevel = 5;
const mask = (1 << bitsPerLevel) - 1;

/** FNV-1a over UTF-16 code units. */
export const hashOf = (key: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1)
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return hash >>> 0;
};

const bitCount = (value: number): number => {
  let bits = value - ((value >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

const bitOf = (hash: number, shift: number): number => 1 << ((hash >>> shift) & mask);

// `with` and `toSpliced` of arrays are several times slower than these in the V8 of Node 20.

export const replaced = <T>(list: readonly T[], index: number, item: T): readonly T[] => {
  const copy = list.slice();
  copy[index] = item;
  return copy;
};

const inserted = <T>(list: readonly T[], index: number, item: T): readonly T[] => {
  const copy = list.slice();
  copy.push(item);
  for (let at = copy.length - 1; at > index; at -= 1) copy[at] = list[at - 1] as T;
  copy[index] = item;
  return copy;
};

export const removed = <T>(list: readonly T[], index: number): readonly T[] => {
  const copy = list.slice(0, -1);
  for (let at = index; at < copy.length; at += 1) copy[at] = list[at + 1] as T;
  return copy;
};

const positionOf = (bitmap: number, bit: number): number => bitCount(bitmap & (bit - 1));

export const lookupEntry = <V>(root: TrieNode<V>, key: string): Entry<V> | undefined => {
  const hash = hashOf(key);
  let node: TrieNode<V> | undefined = root;
  for (let shift = 0; node?.type === 'branch'; shift += bitsPerLevel) {
    const bit = bitOf(hash, shift);
    if ((node.bitmap & bit) === 0) return undefined;
    node = node.children[positionOf(node.bitmap, bit)];
  }
  if (node === undefined || node.hash !== hash) return undefined;
  for (const entry of node.bucket) if (entry.key === key) return entry;
  return undefined;
};

/** The trie with `entry` added, or put in place of the entry that has its key. */
export const insertEntry = <V>(root: TrieNode<V> | undefined, entry: Entry<V>): TrieNode<V> => {
  const leaf: Leaf<V> = { type: 'leaf', hash: entry.hash, bucket: [entry] };
  return root === undefined ? leaf : insertLeaf(root, leaf, entry, 0);
};

const insertLeaf = <V>(node: TrieNode<V>, leaf: Leaf<V>, entry: Entry<V>, shift: number): TrieNode<V> => {
  if (node.type === 'leaf') {
    if (node.hash !== leaf.hash) return split(node, leaf, shift);
    const index = node.bucket.findIndex((one) => one.key === entry.key);
    const bucket = index < 0 ? [...node.bucket, entry] : replaced(node.bucket, index, entry);
    return { type: 'leaf', hash: node.hash, bucket };
  }
  const bit = bitOf(leaf.hash, shift);
  const position = positionOf(node.bitmap, bit);
  const child = node.children[position];
  if ((node.bitmap & bit) === 0 || child === undefined)
    return {
      type: 'branch',
      bitmap: node.bitmap | bit,
      children: inserted(node.children, position, leaf),
    };
  return {
    type: 'branch',
    bitmap: node.bitmap,
    children: replaced(node.children, position, insertLeaf(child, leaf, entry, shift + bitsPerLevel)),
  };
};

/** A branch over two leaves of different hashes. */
const split = <V>(one: Leaf<V>, other: Leaf<V>, shift: number): Branch<V> => {
  const oneBit = bitOf(one.hash, shift);
  const otherBit = bitOf(other.hash, shift);
  if (oneBit === otherBit)
    return { type: 'branch', bitmap: oneBit, children: [split(one, other, shift + bitsPerLevel)] };
  // Compared as positions: the highest bit makes the bitmap negative.
  const oneFirst = ((one.hash >>> shift) & mask) < ((other.hash >>> shift) & mask);
  return { type: 'branch', bitmap: oneBit | otherBit, children: oneFirst ? [one, other] : [other, one] };
};

/** The trie without `key`, which must be in it; undefined when nothing is left. */
export const removeEntry = <V>(root: TrieNode<V>, key: string): TrieNode<V> | undefined =>
  removeFrom(root, hashOf(key), key, 0);

const removeFrom = <V>(
  node: TrieNode<V>,
  hash: number,
  key: string,
  shift: number,
): TrieNode<V> | undefined => {
  if (node.type === 'leaf') {
    const bucket = node.bucket.filter((entry) => entry.key !== key);
    return bucket.length === 0 ? undefined : { type: 'leaf', hash: node.hash, bucket };
  }
  const bit = bitOf(hash, shift);
  const position = positionOf(node.bitmap, bit);
  const child = node.children[position];
  if ((node.bitmap & bit) === 0 || child === undefined) return node;
  const rest = removeFrom(child, hash, key, shift + bitsPerLevel);
  if (rest !== undefined) {
    // A branch over a single leaf is that leaf, or lookups would walk through levels that tell nothing apart.
    if (rest.type === 'leaf' && node.children.length === 1) return rest;
    return { type: 'branch', bitmap: node.bitmap, children: replaced(node.children, position, rest) };
  }
  if (node.children.length === 1) return undefined;
  const children = removed(node.children, position);
  const only = children[0];
  if (children.length === 1 && only?.type === 'leaf') return only;
  return { type: 'branch', bitmap: node.bitmap & ~bit, children };
};
