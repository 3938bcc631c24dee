/** A map that can be cut to its most recently used entries. It grows until `trim` is called: the owner says when. */
export class LruMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #maxCount: number;

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }

  clear(): void {
    this.#entries.clear();
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  trim(): void {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxCount) return;
      this.#entries.delete(key);
    }
  }
}
