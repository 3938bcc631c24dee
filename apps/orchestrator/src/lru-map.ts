/**
 * A map that can be cut to its most recently used entries. It grows until `trim` is called: the owner says when.
 *
 * Its entries are in two generations, and what is used comes into the younger one: to keep an order of all entries would
 * cost two changes of a map for each that is found.
 */
export class LruMap<K, V> {
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  readonly #maxCount: number;

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined || this.#old.size === 0) return value;
    const aged = this.#old.get(key);
    if (aged !== undefined) this.set(key, aged);
    return aged;
  }

  set(key: K, value: V): void {
    this.#old.delete(key);
    this.#young.set(key, value);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** Leaves at least the half of its limit, of those that were used last. */
  trim(): void {
    if (this.#young.size < this.#maxCount / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
